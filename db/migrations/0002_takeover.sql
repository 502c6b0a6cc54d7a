ALTER TABLE "stream" ADD COLUMN "request" "bytea";--> statement-breakpoint
ALTER TABLE "stream" ADD COLUMN "takeovers" integer DEFAULT 0 NOT NULL;