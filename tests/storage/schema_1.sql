create table "meta" ("key" varchar primary key, "value" varchar not null);
create table "batches" ("batch_id" bigint primary key, "fact" varchar not null, "source" varchar not null, "name"
varchar not null, "sha256" varchar not null, "received_at" timestamp not null, "known_at_from" varchar not null,
"rows_in" bigint not null, "rows_accepted" bigint not null, "rows_refused" bigint not null, "rows_new" bigint not
null, "rows_restated" bigint not null, "status" varchar not null check (status in ('accepted', 'refused')), "reason"
varchar, unique (sha256, fact), check (rows_in = rows_accepted + rows_refused), check (rows_accepted >= 0 and
rows_refused >= 0));
create table "sales" ("unique_id" varchar, "ds" date, "y" double, "known_at" timestamp, "is_open" boolean,
"stockout_share" double, "batch_id" bigint not null);
create table "sales_superseded" ("unique_id" varchar, "ds" date, "y" double, "known_at" timestamp, "is_open" boolean,
"stockout_share" double, "batch_id" bigint not null, "superseded_at" timestamp not null);
create table "sales_confirmed" ("unique_id" varchar, "ds" date, "y" double, "known_at" timestamp, "is_open" boolean,
"stockout_share" double, "batch_id" bigint not null);
create table "calendar" ("region" varchar, "ds" date, "known_at" timestamp, "event" varchar, "event_type" varchar,
"is_closed" boolean, "is_payday" boolean, "batch_id" bigint not null);
create table "calendar_superseded" ("region" varchar, "ds" date, "known_at" timestamp, "event" varchar, "event_type"
varchar, "is_closed" boolean, "is_payday" boolean, "batch_id" bigint not null, "superseded_at" timestamp not null);
create table "calendar_confirmed" ("region" varchar, "ds" date, "known_at" timestamp, "event" varchar, "event_type"
varchar, "is_closed" boolean, "is_payday" boolean, "batch_id" bigint not null);
create table "prices" ("unique_id" varchar, "from_ds" date, "to_ds" date, "known_at" timestamp, "price" double,
"promo" double, "batch_id" bigint not null);
create table "prices_superseded" ("unique_id" varchar, "from_ds" date, "to_ds" date, "known_at" timestamp, "price"
double, "promo" double, "batch_id" bigint not null, "superseded_at" timestamp not null);
create table "prices_confirmed" ("unique_id" varchar, "from_ds" date, "to_ds" date, "known_at" timestamp, "price"
double, "promo" double, "batch_id" bigint not null);
create table "covariates" ("unique_id" varchar, "ds" date, "name" varchar, "value" double, "known_at" timestamp,
"batch_id" bigint not null);
create table "covariates_superseded" ("unique_id" varchar, "ds" date, "name" varchar, "value" double, "known_at"
timestamp, "batch_id" bigint not null, "superseded_at" timestamp not null);
create table "covariates_confirmed" ("unique_id" varchar, "ds" date, "name" varchar, "value" double, "known_at"
timestamp, "batch_id" bigint not null);
create table "quarantine" ("batch_id" bigint not null, "row_number" bigint, "reason" varchar not null, "sentence"
varchar, "raw" varchar, "lines" bigint not null, "refused_at" timestamp not null, "replayed_by" bigint);
create table "series_attributes" ("unique_id" varchar primary key);
create table "runs" ("run_id" varchar primary key, "door" varchar not null, "started_at" timestamp not null,
"ended_at" timestamp, "status" varchar not null, "git_commit" varchar, "params_hash" varchar, "panel_hash" varchar,
"model_id" varchar, "as_of" timestamp);
create table "forecasts" ("run_id" varchar, "origin" date, "unique_id" varchar, "ds" date, "h" integer, "y_hat"
double, "q005" double, "q025" double, "q165" double, "q250" double, "q500" double, "q750" double, "q835" double,
"q975" double, "q995" double, "method" varchar, "reason" varchar, "created_at" timestamp);
create table "forecast_levels" ("run_id" varchar, "origin" date, "level" varchar, "group_key" varchar, "ds" date, "h"
integer, "y_hat" double, "q005" double, "q025" double, "q165" double, "q250" double, "q500" double, "q750" double,
"q835" double, "q975" double, "q995" double);
create table "models" ("model_id" varchar primary key, "kind" varchar not null, "cutoff" date, "panel_hash" varchar,
"params_hash" varchar, "card" varchar not null, "stage" varchar not null check (stage in ('candidate', 'champion',
'retired')), "created_at" timestamp not null);
create table "scores" ("run_id" varchar not null, "model" varchar not null, "cutoff" date, "level" varchar not null,
"slice" varchar not null, "metric" varchar not null, "value" double);
create table "alerts" ("alert_id" bigint primary key, "cause" varchar not null, "raised_at" timestamp not null,
"last_seen_at" timestamp not null, "closed_at" timestamp, "severity" varchar not null check (severity in ('warning',
'error')), "what" varchar not null, "value" double, "threshold" double, "advice" varchar not null, "state" varchar not
null check (state in ('open', 'closed')));