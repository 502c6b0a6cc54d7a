CREATE TABLE "attempt" (
	"id" uuid PRIMARY KEY NOT NULL,
	"at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"request_id" text NOT NULL,
	"target" text NOT NULL,
	"model" text NOT NULL,
	"provider" text NOT NULL,
	"stream" boolean NOT NULL,
	"attempt_no" integer NOT NULL,
	"class" text NOT NULL,
	"reason" text,
	"status" integer,
	"first_output_ms" integer,
	"duration_ms" integer NOT NULL,
	"chunks" integer NOT NULL,
	"prompt_tokens" integer,
	"completion_tokens" integer,
	"total_tokens" integer,
	"usage_source" text,
	"finish_reason" text
);
--> statement-breakpoint
CREATE TABLE "audit_gap" (
	"id" uuid PRIMARY KEY NOT NULL,
	"at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"lost" integer NOT NULL,
	"since" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "breaker" (
	"target" text PRIMARY KEY NOT NULL,
	"state" text NOT NULL,
	"epoch" integer NOT NULL,
	"cause" text,
	"status" integer,
	"open_until" timestamp with time zone,
	"open_count" integer DEFAULT 0 NOT NULL,
	"cooldown_until" timestamp with time zone,
	"manual_by" text,
	"manual_reason" text,
	"lease_owner" text,
	"lease_until" timestamp with time zone,
	"writer" text,
	"changed_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "breaker_state" CHECK ("breaker"."state" in ('closed', 'open', 'half_open', 'forced_open', 'forced_closed', 'shadow'))
);
--> statement-breakpoint
CREATE TABLE "breaker_transition" (
	"target" text NOT NULL,
	"epoch" integer NOT NULL,
	"at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"from_state" text NOT NULL,
	"to_state" text NOT NULL,
	"cause" text,
	"status" integer,
	"open_ms" integer,
	"manual_by" text,
	"manual_reason" text,
	"writer" text NOT NULL,
	CONSTRAINT "breaker_transition_target_epoch_pk" PRIMARY KEY("target","epoch")
);
--> statement-breakpoint
CREATE INDEX "attempt_at" ON "attempt" USING btree ("at");--> statement-breakpoint
CREATE INDEX "attempt_target_at" ON "attempt" USING btree ("target","at");--> statement-breakpoint
CREATE INDEX "attempt_request_id" ON "attempt" USING btree ("request_id");--> statement-breakpoint
CREATE INDEX "breaker_transition_at" ON "breaker_transition" USING btree ("at");