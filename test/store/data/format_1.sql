CREATE SCHEMA claudio;
CREATE TABLE claudio.changes (
    token text NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE claudio.models (
    "position" bigint NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    provider_name text NOT NULL,
    max_tokens bigint,
    model_params text NOT NULL,
    settings text NOT NULL,
    created_at_ms bigint NOT NULL,
    updated_at_ms bigint NOT NULL,
    CONSTRAINT models_name_check CHECK ((name <> ''::text))
);
ALTER TABLE claudio.models ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME claudio.models_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE claudio.providers (
    "position" bigint NOT NULL,
    name text NOT NULL,
    provider_type text NOT NULL,
    support_model_type text NOT NULL,
    provider_config text NOT NULL,
    authentication bytea NOT NULL,
    created_at_ms bigint NOT NULL,
    updated_at_ms bigint NOT NULL,
    CONSTRAINT providers_name_check CHECK ((name <> ''::text))
);
ALTER TABLE claudio.providers ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME claudio.providers_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE claudio.secrets (
    "position" bigint NOT NULL,
    id text NOT NULL,
    provider_name text NOT NULL,
    field text NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    fingerprint bytea NOT NULL,
    created_at_ms bigint NOT NULL,
    updated_at_ms bigint NOT NULL
);
ALTER TABLE claudio.secrets ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME claudio.secrets_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE claudio.store (
    id integer NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL,
    salt bytea NOT NULL,
    fingerprint_key bytea NOT NULL,
    CONSTRAINT store_id_check CHECK ((id = 1))
);
INSERT INTO claudio.changes VALUES ('f02f247f539489f2cd3b624285c3f481', '2026-11-28 03:12:21.031305+00');
INSERT INTO claudio.changes VALUES ('6586c8020e57c250663ffa56bfccedea', '2026-11-28 03:12:21.033546+00');
INSERT INTO claudio.changes VALUES ('543fb6411a979fb64fee6dfba13ceebd', '2026-11-28 03:12:21.126966+00');
INSERT INTO claudio.changes VALUES ('3f590676dbf9406461f0905936415365', '2026-11-28 03:12:21.231321+00');
INSERT INTO claudio.changes VALUES ('2f09a71edbaa1fc3a245a8d38674b5b8', '2026-11-28 03:12:21.313348+00');
INSERT INTO claudio.changes VALUES ('9a609ff921b82c136b9f228cfc8a5f9a', '2026-11-28 03:12:21.403327+00');
INSERT INTO claudio.changes VALUES ('05b7f92699736303603813ca2d1253c4', '2026-11-28 03:12:21.494616+00');
INSERT INTO claudio.models OVERRIDING SYSTEM VALUE VALUES (1, 'claude-sonnet-4-6', 'LLM', 'anthropic', NULL, '{}', '{}', 1795835541403, 1795835541403);
INSERT INTO claudio.models OVERRIDING SYSTEM VALUE VALUES (2, 'claude-haiku-4-5', 'LLM', 'second', NULL, '{}', '{}', 1795835541492, 1795835541492);
INSERT INTO claudio.providers OVERRIDING SYSTEM VALUE VALUES (1, 'anthropic', 'anthropic', '["LLM"]', '{"api_base":"https://gateway.example/v1","api_key":"vault:"}', '\x8137f600b9b2d472100e8aa5138cf2c97d7e21c16798ff50339bf34a7a25b804', 1795835541033, 1795835541033);
INSERT INTO claudio.providers OVERRIDING SYSTEM VALUE VALUES (2, 'second', 'anthropic', '["LLM"]', '{"retry":{"max_retries":5},"api_key":"vault:","headers":{"x-auth":"vault:"}}', '\x5be1ad949b35c49c746be59aefcb51d90becfa78ba9592004cb21c01fd173665', 1795835541126, 1795835541231);
INSERT INTO claudio.providers OVERRIDING SYSTEM VALUE VALUES (4, 'by_reference', 'anthropic', '["LLM"]', '{"api_key":"env:CLAUDIO_TEST_NOT_SET"}', '\x02a8adf63613240635fe6e4ded9d92759a08a8926157666a456f9e8ce0346140', 1795835541313, 1795835541313);
INSERT INTO claudio.secrets OVERRIDING SYSTEM VALUE VALUES (1, '6f6f34317bb729c73fc00f614a00d92b', 'anthropic', 'api_key', 1, '\x434c5601d6367065068c9c3419658c0eb0b04fe1d7547b3467587cea2bf24f25b964af47ed0deca71764d813e4832a9a0100e3602815b73dbd9fef4005305dc044c33ef5fb43ba1cc83018ff26aed0768fdd899e0633103d976b0cadf4c91135d97c1b102bb795e13a0df4315c29b088ff9d5266c1730cd6ce79e41eae5ac2ad', '\x104938e000924319b580727052d68b63', 1795835541033, 1795835541033);
INSERT INTO claudio.secrets OVERRIDING SYSTEM VALUE VALUES (2, '870cbcb03b24e8613ecfcdccf4066edc', 'second', 'api_key', 1, '\x434c5601d6367065068c9c340f96a5eccd24a41c44e4d20a1d5133149895ed7c96be0ffa008a854a64f93dee345fe20d9fe3cde69b5502e1aa386a7f7df89289a03be8488e35546c539af4513a63a40ddfe96a6b06f9ecfdde53fc38c397a54267431f24b46dc1b4d70b93c393b2c394a94f96e04de5d5fb87416536a6b627f2', '\x559c1d7bff5ca953edc9aba0efde10f9', 1795835541126, 1795835541126);
INSERT INTO claudio.secrets OVERRIDING SYSTEM VALUE VALUES (3, '3a443e6be4c1770e89db546b68630ca4', 'second', 'headers.x-auth', 1, '\x434c5601d6367065068c9c34879c407ae24a72708fe4a4f1a00ec7f3f8622988a444582fbc0ee689bcaa83632fdcd0fe40671a898790183ce31e3693625bcacc98dfcde058c830f564e9f95e9f1b976fa7bd897cb59a92ecb13a1a0921f5ddc41574e04d3daf1aec7eb1bea4c7982e72d8c1b24b26eab4', '\x4ebe18e50792c6895522df98752fa1d7', 1795835541231, 1795835541231);
INSERT INTO claudio.store VALUES (1, 1, 7, '\x9e25280acc1dce7fa6940740c92736eb', '\x434c5601d6367065068c9c34a51c2419af7721f0634bbf7bfa37ad8c1f041632cc8934b6033eb31448484623c4f6c9fd2ae483a5540cd1baad677c4b594d5b404a23e3eb6ceaf38177b5ac9b2ef805f63fb0f49da7ddc32d6100bce31a062ccd6c543d0648c0ca225d96621702dbf76af6d071901254566f2d19fb5ee30c09d487de6230');
SELECT pg_catalog.setval('claudio.models_position_seq', 2, true);
SELECT pg_catalog.setval('claudio.providers_position_seq', 4, true);
SELECT pg_catalog.setval('claudio.secrets_position_seq', 3, true);
ALTER TABLE ONLY claudio.changes
    ADD CONSTRAINT changes_pkey PRIMARY KEY (token);
ALTER TABLE ONLY claudio.models
    ADD CONSTRAINT models_name_key UNIQUE (name);
ALTER TABLE ONLY claudio.models
    ADD CONSTRAINT models_pkey PRIMARY KEY ("position");
ALTER TABLE ONLY claudio.providers
    ADD CONSTRAINT providers_name_key UNIQUE (name);
ALTER TABLE ONLY claudio.providers
    ADD CONSTRAINT providers_pkey PRIMARY KEY ("position");
ALTER TABLE ONLY claudio.secrets
    ADD CONSTRAINT secrets_id_key UNIQUE (id);
ALTER TABLE ONLY claudio.secrets
    ADD CONSTRAINT secrets_pkey PRIMARY KEY ("position");
ALTER TABLE ONLY claudio.secrets
    ADD CONSTRAINT secrets_provider_name_field_key UNIQUE (provider_name, field);
ALTER TABLE ONLY claudio.store
    ADD CONSTRAINT store_pkey PRIMARY KEY (id);
CREATE INDEX models_of_provider ON claudio.models USING btree (provider_name);
ALTER TABLE ONLY claudio.models
    ADD CONSTRAINT models_provider_name_fkey FOREIGN KEY (provider_name) REFERENCES claudio.providers(name);
ALTER TABLE ONLY claudio.secrets
    ADD CONSTRAINT secrets_provider_name_fkey FOREIGN KEY (provider_name) REFERENCES claudio.providers(name);
