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
    sealed_fingerprint_key bytea NOT NULL,
    sealed_authentication_key bytea DEFAULT '\x'::bytea NOT NULL,
    database_id bytea DEFAULT '\x'::bytea NOT NULL,
    passphrase_cost bigint,
    CONSTRAINT store_id_check CHECK ((id = 1))
);
INSERT INTO claudio.changes VALUES ('4c9659d1e6c04bc6f791250989b86f18', '2026-11-28 03:58:20.205627+00');
INSERT INTO claudio.changes VALUES ('92317b7ec722e40135f0a24a54fbc1ac', '2026-11-28 03:58:20.20797+00');
INSERT INTO claudio.changes VALUES ('7572381b75df6526eb6c19ca2b681c57', '2026-11-28 03:58:20.25753+00');
INSERT INTO claudio.changes VALUES ('663f51e4989a568de4abc6f8a7153757', '2026-11-28 03:58:20.29618+00');
INSERT INTO claudio.changes VALUES ('b8f300f2008705102842b9fe58bd268e', '2026-11-28 03:58:20.347724+00');
INSERT INTO claudio.changes VALUES ('3516100b15330b0af85e448f81ed48cc', '2026-11-28 03:58:20.4026+00');
INSERT INTO claudio.changes VALUES ('c37efe85735056663894edb8e55d940d', '2026-11-28 03:58:20.455017+00');
INSERT INTO claudio.models OVERRIDING SYSTEM VALUE VALUES (1, 'claude-sonnet-4-6', 'LLM', 'anthropic', NULL, '{}', '{}', 1795838300403, 1795838300403);
INSERT INTO claudio.models OVERRIDING SYSTEM VALUE VALUES (2, 'claude-haiku-4-5', 'LLM', 'second', NULL, '{}', '{}', 1795838300455, 1795838300455);
INSERT INTO claudio.providers OVERRIDING SYSTEM VALUE VALUES (1, 'anthropic', 'anthropic', '["LLM"]', '{"api_base":"https://gateway.example/v1","api_key":"vault:"}', '\xd8c79c7f8ef9fd65e38ce7a7e11a3ee5e6ed47eaa51911146459f8e26f12ba25', 1795838300208, 1795838300208);
INSERT INTO claudio.providers OVERRIDING SYSTEM VALUE VALUES (2, 'second', 'anthropic', '["LLM"]', '{"retry":{"max_retries":5},"api_key":"vault:","headers":{"x-auth":"vault:"}}', '\x0c6ac42036a3a2665d15fb9f02eaed57b0c080fb4ab143472e94fdc4eb681b8d', 1795838300258, 1795838300296);
INSERT INTO claudio.providers OVERRIDING SYSTEM VALUE VALUES (4, 'by_reference', 'anthropic', '["LLM"]', '{"api_key":"env:CLAUDIO_TEST_NOT_SET"}', '\x4790621ace44df51e345258a403b20b22cf9522ba81080437a797ed31e3cd5c2', 1795838300348, 1795838300348);
INSERT INTO claudio.secrets OVERRIDING SYSTEM VALUE VALUES (1, 'b7e586f6ae6f874e00baae92c615ef15', 'anthropic', 'api_key', 1, '\x434c5602d6367065068c9c347eeb864ed46ccfa259951fdb699264a8e65a115686dd2e2a505b495231392660589e73fa2dad5ccad162953ced26368d35d63f0c809c9fe99d46db9f098ef61424bf2cc5d976c43b6a19c51808a55ac457122d111cb64e3628c98d595e7ac92af4cf6ac5fa11d18995bcb98e5804e2a9ee34d3e32336c8d97a92fd850de99d82ae906c8976212b8b14cb5f4d623dc7d1a15d7a70', '\xa8e20a4de6284a23d6ad2a38b72714fc', 1795838300208, 1795838300208);
INSERT INTO claudio.secrets OVERRIDING SYSTEM VALUE VALUES (2, '8b6ffa666692498048eb6d82e69645bf', 'second', 'api_key', 1, '\x434c5602d6367065068c9c347eeb864ed46ccfa259951fdb699264a8e65a115686dd2e2a505b4952313926600b66885b16a3cb2781f7fde8791d1eb2c05c4b721bf4b88b3eb2129963848e6e1d6fba2e7ea378362c5fad0ddd0f9227073ea19efe91f99f4d6445c91f2b5e61815fc35ba02e7083b27fa227a0fc6a43bd9aa3dcf861a0127191cb27b04a225b2f9767f0b30024550eb3553794a5c07ac04b8c4c', '\xa5fa3b08648d955d66a226de1b2a9c42', 1795838300258, 1795838300258);
INSERT INTO claudio.secrets OVERRIDING SYSTEM VALUE VALUES (3, '9832aba1d22211de3e8497d26b245716', 'second', 'headers.x-auth', 1, '\x434c5602d6367065068c9c347eeb864ed46ccfa259951fdb699264a8e65a115686dd2e2a505b495231392660e357e02e7559a59ae206d1b96debf74c5027b54083bf026e6f1c9723764b65b604daa7b18bed9e4c9772f2710356bb3877794f4b38068061ed9d518a728b85957ca95b0fcfc03fbb5e7b54049e44d6e12f7c30d8f8c6d70725d696f7d19699a12b23ee5f4d6b54d6b28f91', '\xbc670f5f8838f1423d0bbafa4ba9feed', 1795838300296, 1795838300296);
INSERT INTO claudio.store VALUES (1, 2, 7, '\x7c0d55fd0c62f9b60b3cb4eab108de98', '\x434c5602d6367065068c9c347eeb864ed46ccfa259951fdb699264a8e65a115686dd2e2a505b4952313926603ef9c6a2a0bb4c7110b77e7557405739004a69d56de9de3064844ce545f9fcc92eb316e344afcb5d7284ab3438e63dc9bffdfb5ce73fb3456539c1ae6ae82a5081ce90d78c1a5960518e707c1e484aab2e6ffc332a4399c9ae70bf1b840aea5568b45a82e2244c9da879ab3bbe9a4adb322b008b9643b7bb', '\x434c5602d6367065068c9c347eeb864ed46ccfa259951fdb699264a8e65a115686dd2e2a505b49523139266017413881c4cec6be159b2cdf787e440a8dd9a2a8d37819bf14fa5477876568b3bd994b0488aafb087cf147588c229e16725d064192fa675f3a804326e38bfdac5f705741e2e9cacda5a962bd2ae2309b9dfdc1a9388913205360c0414d59accc64b7bbf96c2ec43a39cd9702ce209f2039ebec0e5ffa00c1', '\x27be1ef3ae6dc31cf3835ee96537d86b', 17);
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
