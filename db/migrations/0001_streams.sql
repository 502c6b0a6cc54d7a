CREATE TABLE "stream" (
	"id" uuid PRIMARY KEY NOT NULL,
	"caller" text,
	"target" text NOT NULL,
	"request_key" text,
	"request_digest" text,
	"owner" text NOT NULL,
	"state" text DEFAULT 'running' NOT NULL,
	"last_id" integer DEFAULT 0 NOT NULL,
	"begun_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"beat_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"followed_until" timestamp with time zone,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "stream_state" CHECK ("stream"."state" in ('running', 'ended', 'lost', 'deleted'))
);
--> statement-breakpoint
CREATE TABLE "stream_segment" (
	"stream_id" uuid NOT NULL,
	"first_id" integer NOT NULL,
	"last_id" integer NOT NULL,
	"body" "bytea" NOT NULL,
	CONSTRAINT "stream_segment_stream_id_first_id_pk" PRIMARY KEY("stream_id","first_id")
);
--> statement-breakpoint
ALTER TABLE "stream_segment" ADD CONSTRAINT "stream_segment_stream_id_stream_id_fk" FOREIGN KEY ("stream_id") REFERENCES "public"."stream"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "stream_expires_at" ON "stream" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "stream_request_key" ON "stream" USING btree (coalesce("caller", ''),"request_key");