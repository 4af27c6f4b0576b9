// Written by `npm run api` from docs/reference/openapi.json.
export interface paths {
    "/dify/retrieval": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Find passages for Dify's external knowledge. In Dify, enter the service's address with `/dify` as the endpoint. Only
         *     documents without an audience are found.
         */
        post: operations["post_retrieval"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Liveness: the process is running. */
        get: operations["healthz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/mcp": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Listen to a session of an earlier version of the protocol. */
        get: operations["listen_mcp"];
        put?: never;
        /**
         * Send a message of the Model Context Protocol (JSON-RPC 2.0): versions 2026-07-28, without sessions, and earlier, with
         *     them. `/mcp/` is the same.
         */
        post: operations["post_mcp"];
        /** End a session of an earlier version of the protocol. */
        delete: operations["end_mcp"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Metrics in Prometheus text format. */
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Readiness: the model is loaded and the indexes are up to date, or the service can run degraded. Otherwise 503 with
         *     the same body.
         */
        get: operations["readyz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/answers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Answer a question from the knowledge base, or refuse. */
        post: operations["post_answer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/answers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Explain an answer: its evidence, features, decision, rejected sentences and timings. */
        get: operations["get_answer"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/attachments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Store a file for a message: a picture, a recording, a film, a PDF, an office document or plain text, up to
         *     `desk.max_attachment_bytes`. Send what is returned as a part of a message within a day. The content decides the type.
         */
        post: operations["post_attachment"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/attachments/{sha256}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Download a file of a message. */
        get: operations["get_attachment"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List audit log entries. */
        get: operations["get_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit:export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Export the whole audit log as JSON Lines, oldest first. */
        get: operations["export_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/backups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the backups in `backup.dir`, and the one that is being written. */
        get: operations["list_backups"];
        put?: never;
        /**
         * Back up the store into `backup.dir`, while it is in use. Replies at once; `GET /v1/backups` shows the result. The service
         *     must run until it is finished. `ken restore` restores it.
         */
        post: operations["start_backup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/cases": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Submit resolved cases: one, a list, or one a line (`application/x-ndjson`).
         * @description All or none: one invalid case rejects the request. A case is identified by its `id`, or by its content if it has none.
         *     Submitting it again changes nothing; with other content it replaces the previous case.
         */
        post: operations["post_cases"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/cases/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a case and its distillation. */
        get: operations["get_case"];
        put?: never;
        post?: never;
        /** Delete a case with its transcript, its redacted personal data and its contribution to drafts. */
        delete: operations["delete_case"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/chat/attachments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send a file as the visitor; see `POST /v1/attachments`. It is durable when the reply comes. */
        post: operations["send_chat_file"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/chat/attachments/{sha256}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Download a file of the visitor's chat. */
        get: operations["get_chat_file"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/chat/completions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Answer the last user message of a conversation, or refuse, as OpenAI's chat completions. Streams are sent when the answer
         *     is verified as a whole, sentence by sentence.
         */
        post: operations["post_chat_completion"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/chat/messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the visitor's messages and the replies. */
        get: operations["list_chat"];
        put?: never;
        /**
         * Write as the visitor. It is durable when the reply comes; the answer comes by `GET /v1/chat/stream` or
         *     `GET /v1/chat/messages`.
         */
        post: operations["write_chat"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/chat/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Open a chat: without tokens as a new visitor. */
        post: operations["open_chat"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/chat/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow the chat: server-sent events `message`, each with its position as `id`. Connect again with the last one to miss
         *     nothing.
         */
        get: operations["stream_chat"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read every setting with its value in effect, its default and its meaning. Secrets are shown as `set` only. Settings are
         *     changed in the settings file or the environment, and take effect with the next start.
         */
        get: operations["get_config"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List conversations with customers. */
        get: operations["list_conversations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a conversation: its turns with their citations, and its state on the desk. */
        get: operations["get_conversation"];
        put?: never;
        /**
         * Act in a conversation: the path ends in `:takeover` (people answer from now on), `:return` (the bot does), `:assign`,
         *     `:resolve`, `:reopen`, `:wait` (for the customer), or `:snooze`.
         */
        post: operations["act_in_conversation"];
        /**
         * Delete a conversation with its turns, traces and logged questions. On the desk it ends, and its messages are erased with
         *     what was learned from them.
         */
        delete: operations["delete_conversation"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations/{id}/messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the messages of a conversation. */
        get: operations["list_messages"];
        put?: never;
        /** Write to the customer, and take over by it; or write a note. */
        post: operations["write_message"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List customers. */
        get: operations["list_customers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a customer, by the id of any identity. */
        get: operations["get_customer"];
        put?: never;
        /**
         * Merge two customers or split one: the path ends in `:merge` or `:split`. Each is one event, which the other undoes; it is
         *     on the timeline with who did it. Two verified external ids never share a customer.
         */
        post: operations["act_on_customer"];
        /**
         * Erase a customer: the values of all identities, the texts of all messages, the answers, and the cases made from them. The
         *     log and its counts stay, without personal values.
         */
        delete: operations["erase_customer"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers/{id}/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Export everything about one customer. */
        get: operations["export_customer"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers/{id}/timeline": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read what happened with a customer on all channels, with who did it. */
        get: operations["get_timeline"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List permanently failed background jobs, newest first. */
        get: operations["list_dead_letters"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Retry a dead letter with a fresh attempt count. */
        post: operations["revive_dead_letter"];
        /** Delete a dead letter. */
        delete: operations["discard_dead_letter"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/doctor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Check for common misconfigurations, as `ken doctor` does. Checks the encoder, the models, the store and the indexes that
         *     the service uses now; it loads no model a second time. One check runs at a time.
         */
        get: operations["get_doctor"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/documents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List documents. */
        get: operations["list_documents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/documents/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a document. */
        get: operations["get_document"];
        /** Create a document or a new version of it. Equal content changes nothing. */
        put: operations["put_document"];
        /**
         * Publish, archive, restore or trust a document: the path ends in `:publish`, `:archive`, `:restore` or `:trust`. `:trust`
         *     lets answers use a version again that too many people found wrong.
         */
        post: operations["post_action"];
        /** Delete a document. Its versions stay in the history. */
        delete: operations["delete_document"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/documents/{id}/chunks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the chunks of a stored version as Ken indexes them: bytes `start..end` of its text, with headings, page and
         *     question. A draft or an archived document is not searched, but has chunks here.
         */
        get: operations["list_chunks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/documents/{id}/diff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Compare two versions of a document. */
        get: operations["diff_versions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/documents/{id}/original": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download the uploaded file that a version was read from, as it was sent. For a part of an archive it is the archive.
         *     Only uploads up to `ingest.keep_original_bytes` are kept.
         */
        get: operations["get_original"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/documents/{id}/source": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the text of a version as it was submitted, to edit it. `GET /v1/documents/{id}` has the extracted text, in which
         *     headings are lines like others.
         */
        get: operations["get_source"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/documents/{id}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the versions of a document, including a deleted one. Each can be read, compared and restored (`:restore`). */
        get: operations["list_versions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/documents:lint": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Report duplicates, contradictions, expired content and dead references. */
        post: operations["post_lint"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/documents:preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Parse a file without storing it: multipart, or the file as the body. */
        post: operations["preview"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/documents:preview-impact": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Preview which answers a change would alter, break or fix. The judged questions, the latest logged ones, the wordings of
         *     changed FAQs and the given questions are asked.
         */
        post: operations["preview_impact"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/documents:tree": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List one level of the tree that document ids with `/` form: folders with their number of documents, and documents. */
        get: operations["list_tree"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/documents:upload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Upload files in any supported format; a job ingests them. File names become document ids. The files are durable once
         *     this replies.
         */
        post: operations["upload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/drafts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List drafts, highest rank first. */
        get: operations["list_drafts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/drafts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a draft with its evidence, the nearest existing knowledge and the difference from it, the logged questions it
         *     would answer, the answers it would change, and wording collisions with other FAQs.
         */
        get: operations["get_draft"];
        put?: never;
        /** Review a draft: the path ends in `:approve`, `:edit`, `:reject` or `:merge`. */
        post: operations["post_draft_action"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/embeddings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Encode texts as vectors, as OpenAI's embeddings. */
        post: operations["post_embeddings"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/experiments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List experiments with their current results. Also ends those that have reached a decision. */
        get: operations["list"];
        put?: never;
        /**
         * Start an experiment. A customer sees the same arm on every channel. Requests without a `customer_id` or
         *     `conversation_id` see the live state.
         */
        post: operations["begin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/experiments/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stop an experiment without a winner, or promote the winner: the path ends in `:stop` or `:promote`. */
        post: operations["decide"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/faqs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List FAQs. */
        get: operations["list_faqs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/faqs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read an FAQ. */
        get: operations["get_faq"];
        /** Create an FAQ or a new version of it. Equal content changes nothing. */
        put: operations["put_faq"];
        post?: never;
        /** Delete an FAQ. Its versions stay in the history. */
        delete: operations["delete_faq"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/faqs:bulk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change or delete many FAQs at once: all or none. `POST /v1/imports/{id}:undo` undoes it. */
        post: operations["bulk"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/faqs:export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Export all FAQs as a file; importing it restores the same state. */
        get: operations["export_faqs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/faqs:import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Import FAQs from CSV, TSV, XLSX, ODS, JSON or JSON Lines: multipart, or the file as the body. Columns are
         *     recognised by their Chinese or English names, or mapped by `columns`. All rows or none, unless `partial`. The report
         *     lists every column, and every row except unchanged ones. A dry run reports the columns also if none is recognised.
         */
        post: operations["import_faqs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/feedback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List feedback. */
        get: operations["list_feedback"];
        put?: never;
        /** Submit feedback on an answer. */
        post: operations["post_feedback"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/imports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List imports of FAQs and bulk changes. */
        get: operations["list_imports"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/imports/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Undo an import or a bulk change: the path ends in `:undo`. Each FAQ returns to the version before; added FAQs are
         *     deleted. All or none, unless `partial`. An import can be undone once.
         */
        post: operations["undo_import"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/inboxes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List inboxes. */
        get: operations["list_inboxes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/inboxes/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read an inbox. */
        get: operations["get_inbox"];
        /** Connect an inbox, or change it. A new one is in `shadow` mode unless the settings say otherwise. */
        put: operations["put_inbox"];
        /**
         * Test whether an inbox is connected: its secrets, what the platform says to them, and the last request of the platform. The
         *     path ends in `:test`.
         */
        post: operations["test_inbox"];
        /** Disconnect an inbox. Its secrets are removed. Its conversations stay, as long as `keep_days` says. */
        delete: operations["delete_inbox"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/inboxes/{id}/messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read what is to be sent to the customers of an inbox, in order, for a channel that has no callback. Report what became of
         *     each by `POST`.
         */
        get: operations["list_outbound"];
        put?: never;
        /**
         * Deliver what a customer wrote, or what else a channel reports. It is durable when the reply comes; deliver it again after
         *     any other reply than 200, 404 or 422.
         */
        post: operations["post_inbound"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/inboxes/{id}/shadow-report": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Report what the bot would have sent on an inbox in the shadow, beside what agents said: how alike by figures, facts and
         *     meaning.
         */
        get: operations["get_shadow_report"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/inboxes/{id}/webhook": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check the address, as Meta's platforms do. */
        get: operations["check_webhook"];
        put?: never;
        /** Deliver a platform's events, signed as it signs. They are durable when the reply comes. */
        post: operations["post_webhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/insights/gap-closures": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List closed gaps. */
        get: operations["list_closures"];
        put?: never;
        /** Close a gap: it is no longer listed. Closing it again replaces the reason. */
        post: operations["close_gap"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/insights/gap-closures/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Open a closed gap again. */
        delete: operations["reopen_gap"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/insights/gaps": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List unanswered questions, clustered by meaning, most urgent first. */
        get: operations["gaps"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/insights/knowledge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Report knowledge usage: cited, disliked, unused and stale documents. */
        get: operations["knowledge"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/insights/scenes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Report channels, tags and intents with a significantly lower resolution rate than the rest. */
        get: operations["scenes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/insights/summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count questions, outcomes, resolutions and ratings, in total and by group.
         * @description A question is *resolved* if it was answered from the knowledge base, nobody found the answer unhelpful, and no case or
         *     reopening followed within `learn.reopen_hours`.
         */
        get: operations["summary"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List jobs, newest first. */
        get: operations["list_jobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the state and progress of a job. */
        get: operations["get_job"];
        put?: never;
        /**
         * Run the failed items of a job again: the path ends in `:retry`. Items whose file is not kept any more stay failed. The
         *     job continues with the same id. A dead letter of the job is replaced.
         */
        post: operations["retry_job"];
        /** Cancel a job: the current item is finished, waiting items are dropped. Written documents stay. */
        delete: operations["cancel_job"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/judged-questions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List judged questions. */
        get: operations["list_judged"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/judged-questions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Create or replace a judged question. Changes that break it are rejected unless forced, whether they come from this API,
         *     uploads, the command line, review or experiments. `ken import` and `ken restore` are not checked.
         */
        put: operations["put_judged"];
        post?: never;
        /** Delete a judged question. */
        delete: operations["delete_judged"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/judged-runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List runs of the judged questions, with their totals and what changed. */
        get: operations["list_judged_runs"];
        put?: never;
        /** Ask all judged questions at the settings in force, as a job. Also finds what each level would do with each question. */
        post: operations["start_judged_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/judged-runs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a run: each question's answer, what each level would do, and the reliability of confidence. */
        get: operations["get_judged_run"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the keys of the workspace; operators also see operator keys. */
        get: operations["list_keys"];
        put?: never;
        /** Create a key for the workspace. Once a key exists, requests without a key are rejected. */
        post: operations["create_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke a key permanently. */
        delete: operations["revoke_key"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the models that the caller may use: `ken` at the workspace's level, one for each other level if the role may choose
         *     a level (`editor` and above), and the embedding model with its dimension.
         */
        get: operations["list_models"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a model that the caller may use. */
        get: operations["get_model"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/questions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List logged questions, newest first: those that `GET /v1/insights/summary` counts. */
        get: operations["list_questions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/reviews": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List open reviews, such as contradictions that no rule resolves. */
        get: operations["list_reviews"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/reviews/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Close a review. The same pair of document versions does not open another one. */
        delete: operations["close_review"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Search for passages. */
        post: operations["post_search"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show who is signed in, and how to sign in. */
        get: operations["get_session"];
        put?: never;
        /** Sign in to the console by a key. The reply sets the session's cookie. */
        post: operations["sign_in"];
        /** Sign out of the console: end this session, or all sessions of the same key or person. */
        delete: operations["sign_out"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/session/oidc": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Sign in to the console at the OpenID Connect provider: open this address in the browser. It leads to the provider's
         *     page, back, and to `next`. After a failure it leads to `/?sign_in_error=` with `expired` (start again), `refused`
         *     (by the provider, or no role for Ken) or `unavailable` (the provider; see the log).
         */
        get: operations["begin_oidc"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/session/oidc/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Finish a sign-in at the provider, which sends the browser here. */
        get: operations["finish_oidc"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the settings of a workspace. */
        get: operations["get_settings"];
        /** Change the settings of a workspace; they take effect with the next question. */
        put: operations["put_settings"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow what happens in conversations: server-sent events, each with its number as `id`, its type as `event` and the event
         *     as `data`. Connect again with the last number to miss nothing. It ends within
         *     seconds when the key is revoked.
         */
        get: operations["get_stream"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/synonyms": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the synonyms of a workspace. */
        get: operations["get_synonyms"];
        /** Replace the synonyms of a workspace; they take effect with the next question, without a rebuild. */
        put: operations["put_synonyms"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tuning": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the learned settings of a workspace. */
        get: operations["get_tuning"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tuning/learn": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Learn settings from feedback and judged questions. They take effect only if they improve results and break no judged
         *     question. If tuning takes longer than 20 s or half of `http.timeout_ms`, it continues in the background: `GET /v1/tuning`
         *     returns its state (`is_learning`) and result (`last_learned`, `last_failed`).
         */
        post: operations["learn"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tuning/rollback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Roll back to the settings before the last change. */
        post: operations["roll_back"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the addresses that are sent what happens. */
        get: operations["list_webhooks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read an endpoint. */
        get: operations["get_webhook"];
        /** Add an endpoint, or change it. Its secret is shown once, when it is added. */
        put: operations["put_webhook"];
        /** Send a test event, make a new secret, or send events again. The path ends in `:test`, `:rotate-secret` or `:replay`. */
        post: operations["act_on_webhook"];
        /** Remove an endpoint and what waits for it. */
        delete: operations["delete_webhook"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List what was sent to an endpoint, and what waits. */
        get: operations["list_webhook_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/workspaces": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List all workspaces. */
        get: operations["list_workspaces"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/workspaces/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete a workspace with its knowledge, cases, conversations, keys and audit log. This cannot be undone. */
        delete: operations["delete_workspace"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description What an agent did. */
        ActedResponse: {
            /** @description The conversation afterwards. */
            conversation: components["schemas"]["Conversation"];
            /** @description The message that was written. */
            message_id?: string | null;
        };
        /** @description Parameters of a document action. */
        ActionRequest: {
            /**
             * Format: date-time
             * @description `publish` only: when it replaces the live version, to the second. Default: immediately.
             * @default null
             */
            at?: string | null;
            /**
             * @description See `PUT /v1/documents/{id}`.
             * @default false
             */
            background?: boolean;
            /**
             * @description Write even if judged questions break.
             * @default false
             */
            force?: boolean;
            /**
             * Format: int64
             * @description Version to act on. Default for `publish`: the newest. Required for `restore`.
             * @default null
             */
            version?: number | null;
        };
        /** @description The reply of `:publish`, `:archive` and `:restore`, or that of `:trust`. */
        ActionResponse: components["schemas"]["WriteResponse"] | components["schemas"]["TrustResponse"];
        /**
         * @description What the agent did with a suggested answer: `accepted` it, `edited` it, or `ignored` it.
         * @enum {string}
         */
        AgentAction: "accepted" | "edited" | "ignored";
        /** @description A message of an agent. */
        AgentMessageRequest: {
            /** @description Whether it is a note for other agents, which the customer does not get. */
            is_note?: boolean;
            /** @description 1 to 20 parts. */
            parts?: components["schemas"]["Part"][];
            /** @description The text, 1 to 20,000 characters; or `parts`. */
            text?: string | null;
        };
        /** @description A question whose answer changes. */
        AlteredAnswer: {
            /** @description The answer with the change. */
            after: components["schemas"]["ImpactReply"];
            /** @description The answer now. */
            before: components["schemas"]["ImpactReply"];
            /** @description Id of the judged question; null for another question. */
            id?: string | null;
            /** @description Where the question comes from. */
            origin: components["schemas"]["QuestionOrigin"];
            /** @description The question. */
            question: string;
            /** @description What the judged question expects and `after` does not have. */
            unmet: components["schemas"]["Expectation"][];
        };
        /** @description A citation of a sentence. */
        Annotation: {
            /** @description `url_citation`. */
            type: string;
            /** @description The citation. */
            url_citation: components["schemas"]["UrlCitation"];
        };
        /**
         * @description What is counted of a group of answers.
         *
         *     *Resolved*: the question was answered from the knowledge (so relevant and supported, by admission and verification),
         *     nobody said that it did not help, no case with a person came of it, and the customer did not come back with the same
         *     conversation's question reopened within `learn.reopen_hours`.
         */
        AnswerCounts: {
            /** @description How many were answered. */
            answered: number;
            /** @description How many were answered with a question back. */
            clarified: number;
            /**
             * Format: double
             * @description The mean rating, 1 to 5.
             */
            csat?: number | null;
            /** @description How many answers were rated as not helpful. */
            disliked: number;
            /** @description How many were handed off to a person. */
            handed_off: number;
            /** @description Number of helpful and unhelpful ratings. */
            liked: number;
            /** @description How many questions there were. */
            n: number;
            /** @description How many were refused. */
            refused: number;
            /**
             * Format: double
             * @description `resolved` divided by `n`, in [0, 1].
             */
            resolution_rate: number;
            /** @description How many were resolved. */
            resolved: number;
        };
        /**
         * @description Whether the evidence suffices to `answer`; otherwise `refuse`.
         * @enum {string}
         */
        AnswerDecision: "answer" | "refuse";
        /**
         * @description `plain`: no markup. `markdown`: CommonMark with tables. `speech`: text to be spoken, without addresses.
         * @enum {string}
         */
        AnswerFormat: "plain" | "markdown" | "speech";
        /** @description A question. */
        AnswerRequest: {
            /**
             * Format: date-time
             * @description Answer as of this time. Default: now.
             */
            as_of?: string | null;
            audience?: components["schemas"]["OneOrMany"] | null;
            /** @description The channel that the question comes from, as `web` or `sms`: 1 to 128 characters. */
            channel?: string | null;
            /** @description Chosen by the caller, 1 to 128 characters; the same for all turns of a conversation. */
            conversation_id?: string | null;
            /** @description Stored with the turn and used to assign experiment arms. */
            customer_id?: string | null;
            /**
             * Format: int64
             * @description Time budget in milliseconds, 1 to 60,000. When it runs short, the reply degrades from generated text to quoted
             *     sentences, then to an FAQ with exactly this question, then to a refusal with the reason `deadline`.
             */
            deadline_ms?: number | null;
            /**
             * @description Answer without recording: no insight, gap, conversation or experiment contains the question, and the reply has an
             *     `explanation`. For editors who try questions; requires the same role as `level`. Not allowed with an
             *     `Idempotency-Key`.
             */
            dry_run?: boolean;
            format?: components["schemas"]["AnswerFormat"] | null;
            /**
             * @description Previous utterances, oldest first, if the caller stores the conversation: at most 50, each at most 2,000
             *     characters. Default: the recorded turns of `conversation_id`.
             */
            history?: components["schemas"]["Utterance"][];
            /** @description Language of the reply (BCP 47). Default: that of the question. Quotations are not translated. */
            language?: string | null;
            level?: components["schemas"]["Level"] | null;
            /** @description Maximum number of evidence passages, 1 to 100. */
            limit?: number;
            /** @description 1 to 2,000 characters. A list of messages sent in a burst is joined into one question. */
            question: components["schemas"]["Messages"];
            strategy?: components["schemas"]["StrategyName"] | null;
            /**
             * @description Reply with server-sent events: `evidence` (`citations`, or the `passages` given to the language model), then
             *     `delta`s, then `done` with the whole answer, or `error` with a problem. Discard all previous deltas on
             *     `restart`: the generated text was incomplete.
             */
            stream?: boolean;
            /** @description Only documents with all of these tags. */
            tags?: string[];
        };
        /** @description An answer with its citations. */
        AnswerResponse: {
            /** @description Citations of the sentences, in order of use. */
            citations: components["schemas"]["CitationBody"][];
            /**
             * Format: float
             * @description Estimated probability that the evidence answers the question, 0 to 1.
             */
            confidence: number;
            /** @description The conversation's id, as the request gave it. */
            conversation_id?: string | null;
            explanation?: components["schemas"]["ExplanationResponse"] | null;
            /** @description The answer's id; feedback names it. That of a dry run begins with `dry_` and is not stored. */
            id: string;
            /** @description BCP 47. */
            language: string;
            /** @description Limitations of the answer, and components that were unavailable. */
            notes: components["schemas"]["Note"][];
            /** @description The decision. */
            outcome: components["schemas"]["Outcome"];
            reason?: components["schemas"]["Reason"] | null;
            /** @description The text formatted for the channel. */
            rendered: components["schemas"]["RenderedBody"];
            /**
             * Format: int64
             * @description Revision of the knowledge that was searched.
             */
            revision: number;
            /** @description The sentences that cite the knowledge base, in order. */
            sentences: components["schemas"]["SentenceBody"][];
            /** @description How the term matched. */
            strategy: components["schemas"]["Strategy"];
            /** @description Questions that the asker can choose from. */
            suggestions: string[];
            /** @description The whole reply, without markup of a channel. */
            text: string;
            /** @description How long each stage took. */
            timings_ms: components["schemas"]["TimingsBody"];
        };
        /** @description Results of answers. */
        AnswerResults: {
            /** @description How many questions were refused. */
            refused: number;
            /** @description How many answers were right. */
            right: number;
            /** @description How many answers were wrong. */
            wrong: number;
        };
        /** @description A range of a document's text. */
        AnswerSpan: {
            /** @description Where it ends, in bytes, exclusive. */
            end: number;
            /** @description Where it begins, in bytes. */
            start: number;
        };
        /** @description A key without its secret. */
        ApiKey: {
            /**
             * Format: date-time
             * @description When it was created.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it expires; never, if null.
             */
            expires_at?: string | null;
            /** @description The key's id; it is not the secret. */
            id: string;
            /**
             * Format: date-time
             * @description When it was used last, to the minute.
             */
            last_used_at?: string | null;
            /** @description Purpose of the key. */
            name: string;
            /** @description Networks from which the key may be used; empty: any. */
            networks: string[];
            /**
             * Format: date-time
             * @description When it was revoked, if it was.
             */
            revoked_at?: string | null;
            /** @description Permissions of the key. */
            role: components["schemas"]["KeyRole"];
            workspace?: components["schemas"]["WorkspaceId"] | null;
        };
        /** @description An arm of an experiment. */
        Arm: {
            /** @description FAQ experiments: the answer. The first arm is the live state and has none. */
            answer?: string | null;
            /** @description The arm's name, 1 to 128 characters. */
            name: string;
            tuning?: components["schemas"]["Tuning"] | null;
        };
        /** @description Results of an arm. */
        ArmResult: {
            /**
             * Format: double
             * @description E-value against "as good as the first arm"; significant from 1/α of this comparison.
             */
            e_value: number;
            /**
             * Format: double
             * @description The same for harm.
             */
            harm_e_value: number;
            /** @description Customers who complained or asked for a person. */
            harms: number;
            /** @description Customers with a known outcome. */
            known: number;
            /** @description The arm's name. */
            name: string;
            /** @description Customers who saw it, and those with a known outcome. */
            shown: number;
            /** @description Customers who were helped. */
            successes: number;
        };
        /** @description The message of an answer. */
        AssistantMessage: {
            /** @description The citations of the sentences, in order. */
            annotations: components["schemas"]["Annotation"][];
            /** @description The text, also of a refusal, a clarifying question or a handoff; see `ken.outcome`. */
            content: string;
            /** @description Null. A refusal of the knowledge base is in `content`. */
            refusal?: string | null;
            /** @description `assistant`. */
            role: string;
        };
        /** @description An entry of the audit log. */
        AuditEntry: {
            /** @description The action, such as `document.put` or `key.revoke`. */
            action: string;
            /** @description The actor: name and id of the key, or the service itself. */
            actor: string;
            /** @description New value; null if none is recorded. */
            after: unknown;
            /**
             * Format: date-time
             * @description When it was done.
             */
            at: string;
            /** @description Previous value, if any. */
            before: unknown;
            /** @description SHA-256 over the entry and the previous hash, hexadecimal; empty in entries older than hashing. */
            hash: string;
            /**
             * Format: int64
             * @description 1, 2, 3 … within the log, without gaps.
             */
            number: number;
            /** @description Subject of the action: an id or a name. */
            subject: string;
        };
        /** @description Lines of the audit log. */
        AuditResponse: {
            /**
             * @description Newest first: `number` (1, 2, 3 … without gaps), `at`, `actor`, `action`, `subject`, `before`, `after`, `hash` (SHA-256
             *     over the entry and the previous hash).
             */
            entries: components["schemas"]["AuditEntry"][];
        };
        /** @description Who wrote a message. */
        Author: {
            /** @description The id of the agent; empty otherwise, and where an agent wrote outside of Ken. */
            id?: string;
            /** @description The kind of the author. */
            kind: components["schemas"]["AuthorKind"];
        };
        /**
         * @description `customer`, `bot`, `agent`, or `system` for fixed texts such as the one at a handoff.
         * @enum {string}
         */
        AuthorKind: "customer" | "bot" | "agent" | "system";
        /** @description A class of drafts, and the number of sources from which on it is published without review. */
        AutoPublish: {
            /** @description `new`, `variant`, `update` or `negative`. */
            class: components["schemas"]["PublishableClass"];
            /** @description Minimum number of sources, at least 2. */
            min_sources: number;
        };
        /** @description A backup that is being written, or that failed. */
        BackupAttemptBody: {
            /** @description Why it failed; null while it is being written. */
            error?: string | null;
            /** @description The name of the store's copy. */
            name: string;
            /**
             * Format: date-time
             * @description When it was begun.
             */
            started_at: string;
        };
        /** @description A finished backup. */
        BackupBody: {
            /** @description What it is a copy of. */
            content: components["schemas"]["BackupContent"];
            /**
             * Format: date-time
             * @description When it was written.
             */
            created_at: string;
            /**
             * Format: int64
             * @description Its size.
             */
            n_bytes: number;
            /** @description The file's name in `backup.dir`. */
            name: string;
        };
        /**
         * @description What the file is a copy of: the `store`, or the `vault` with personal data.
         * @enum {string}
         */
        BackupContent: "store" | "vault";
        /** @description The backups in the configured folder. */
        BackupsResponse: {
            /** @description Newest first. */
            backups: components["schemas"]["BackupBody"][];
            failed?: components["schemas"]["BackupAttemptBody"] | null;
            /** @description The folder, `backup.dir`; null if none is set, so that the service cannot make backups. */
            folder?: string | null;
            running?: components["schemas"]["BackupAttemptBody"] | null;
        };
        /**
         * @description What happens to a change that breaks a judged question: it is `refused` or `allowed`.
         * @enum {string}
         */
        Breaking: "refused" | "allowed";
        /** @description Effect on an FAQ. */
        BulkEffect: {
            /** @description The fields that differ. */
            changes: components["schemas"]["FieldChange"][];
            /** @enum {string} */
            effect: "changed";
        } | {
            /** @enum {string} */
            effect: "unchanged";
        } | {
            /** @enum {string} */
            effect: "deleted";
        };
        /** @description A bulk change that a job checks against the judged questions, then writes. */
        BulkJobResponse: components["schemas"]["JobResponse"] & {
            /** @description What the change will do. */
            report: components["schemas"]["BulkReport"];
        };
        /** @description The effects of a bulk change, or of its dry run. */
        BulkReport: {
            /** @description Whether it is written. */
            applied: boolean;
            /** @description All FAQs, in the given order. */
            faqs: components["schemas"]["BulkRow"][];
            /** @description The id of the change in `GET /v1/imports` once it is written, to undo it; null if nothing is written. */
            import_id?: string | null;
            /** @description How many FAQs get a new version. */
            n_changed: number;
            /** @description How many FAQs are deleted. */
            n_deleted: number;
            /** @description How many FAQs have these values already. */
            n_unchanged: number;
            /**
             * Format: int64
             * @description Newest revision after the change.
             */
            revision: number;
        };
        /** @description One change of many FAQs: `set` or `delete`. */
        BulkRequest: {
            /** @description See `PUT /v1/documents/{id}`. */
            background?: boolean;
            /** @description Delete the FAQs. */
            delete?: boolean;
            /** @description Report the effects without writing. */
            dry_run?: boolean;
            /** @description Write even if judged questions break. */
            force?: boolean;
            /** @description The FAQs, 1 to 1,000. */
            ids: string[];
            set?: components["schemas"]["BulkSet"] | null;
        };
        /** @description What a bulk change does with one FAQ. */
        BulkRow: components["schemas"]["BulkEffect"] & {
            /** @description The FAQ's id. */
            id: string;
        };
        /** @description New values of fields. Absent fields stay as they are. */
        BulkSet: {
            /**
             * @description Audiences that may see them; empty: everyone.
             * @default null
             */
            audience?: string[] | null;
            /**
             * Format: int64
             * @description Precedence in contradictions.
             * @default null
             */
            rank?: number | null;
            /**
             * Format: date-time
             * @description When a person should check them; null: never.
             * @default null
             */
            review_by?: string | null;
            /** @default null */
            status?: components["schemas"]["DocumentStatus"] | null;
            /**
             * @description Tags to add.
             * @default []
             */
            tags_add?: string[];
            /**
             * @description Tags to remove.
             * @default []
             */
            tags_remove?: string[];
            /**
             * Format: date-time
             * @description From when they are valid; null: from the beginning.
             * @default null
             */
            valid_from?: string | null;
            /**
             * Format: date-time
             * @description Until when they are valid, exclusive; null: for ever.
             * @default null
             */
            valid_until?: string | null;
        };
        /** @description A support case handled by an agent. */
        Case: {
            /** @description Name of the agent. */
            agent?: string | null;
            /** @description Ids of the answers that Ken gave before the case began. */
            answer_ids?: string[];
            /** @description The channel that the customer used, as `chat` or `phone`. */
            channel?: string | null;
            /**
             * Format: date-time
             * @description When it was closed.
             */
            closed_at?: string | null;
            /** @description Id of the preceding conversation with Ken. */
            conversation_id?: string | null;
            /**
             * Format: int32
             * @description The customer's rating, 1 to 5.
             */
            csat?: number | null;
            /** @description The company's id of the customer. */
            customer_id?: string | null;
            /** @description Id of the case; derived from its content if missing. */
            id?: string;
            outcome?: components["schemas"]["CaseOutcome"] | null;
            /** @description The product it is about. */
            product?: string | null;
            /** @description Whether the customer contacted support again about the same issue. */
            reopened?: boolean;
            /** @description Tags that the company gave the case. */
            tags?: string[];
            /** @description Turns of the case, oldest first. */
            turns: components["schemas"]["CaseTurn"][];
        };
        /**
         * @description `added`: the case is new. `changed`: it replaces a case with the same id. `unchanged`: it was known already.
         * @enum {string}
         */
        CaseEffect: "added" | "changed" | "unchanged";
        /**
         * @description `resolved`: the customer's request was met. `workaround`: the request was not met, but the customer was helped otherwise. `unresolved`: neither.
         * @enum {string}
         */
        CaseOutcome: "resolved" | "workaround" | "unresolved";
        /** @description A case with its draft, if there is one. */
        CaseResponse: {
            /** @description Without personal data unless `reveal` is set. */
            case: components["schemas"]["Case"];
            distilled?: components["schemas"]["Distilled"] | null;
            /** @description The draft that uses it as a source. */
            draft_id?: string | null;
        };
        /**
         * @description Who speaks. `customer`: the customer. `agent`: a person of the company. `bot`: an automatic reply. `system`: a note of a system (a query, a record, a transfer).
         * @enum {string}
         */
        CaseRole: "customer" | "agent" | "bot" | "system";
        /** @description One utterance of a case. */
        CaseTurn: {
            /**
             * Format: date-time
             * @description When it was said.
             */
            at?: string | null;
            /** @description The speaker. */
            role: components["schemas"]["CaseRole"];
            /** @description The words, without markup. */
            text: string;
        };
        /**
         * @description A resolved case, or several: `{ "cases": [ … ] }`.
         *
         *     Fields of a case: `turns` (`[{ "role": "customer | agent | bot | system", "text", "at" }]`), and optionally
         *     `id`, `channel`, `outcome` (`resolved`, `workaround`, `unresolved`; default: inferred from the transcript), `tags`,
         *     `product`, `agent`, `customer_id`, `conversation_id`, `answer_ids`, `csat` (1 to 5), `reopened`, `closed_at`.
         */
        CasesRequest: {
            /** @description At least one case. */
            cases: components["schemas"]["Case"][];
        } | components["schemas"]["Case"];
        /** @description Results for the submitted cases. */
        CasesResponse: {
            /** @description In request order. */
            cases: components["schemas"]["SubmittedCaseBody"][];
            /** @description Whether all cases of the workspace are distilled; only with `wait`. */
            distilled?: boolean | null;
            /** @description How many cases are new. */
            n_added: number;
            /** @description How many cases replace one with the same id. */
            n_changed: number;
            /** @description How many cases were known already. */
            n_unchanged: number;
        };
        /**
         * @description What is wrong with a cell.
         * @enum {string}
         */
        CellFaultCode: "missing_value" | "unknown_field" | "not_an_object" | "invalid_id" | "duplicate_id" | "validity_order" | "invalid_time" | "invalid_number" | "invalid_status" | "invalid_address" | "invalid_value";
        /** @description A retried or deleted dead letter. */
        ChangedDeadLetter: {
            /** @description The work's id. */
            id: string;
            /** @description `ready` (queued for retry) or `deleted`. */
            state: components["schemas"]["DeadLetterState"];
        };
        /**
         * @description `generic`: any system, by signed callbacks. `web`: a chat on a web site or in an app. `phone`: transcripts of calls. `line`: a LINE official account. `whatsapp`: a WhatsApp business number. `messenger`: a Facebook page. `telegram`: a Telegram bot. `slack`: a Slack app. `wechat`: a WeChat official account. `email`: a mailbox.
         * @enum {string}
         */
        ChannelKind: "generic" | "web" | "phone" | "line" | "whatsapp" | "messenger" | "telegram" | "slack" | "wechat" | "email";
        /** @description The only choice of a completion. */
        ChatChoice: {
            /** @description `stop`. */
            finish_reason: string;
            /**
             * Format: int32
             * @description 0.
             */
            index: number;
            /** @description The answer. */
            message: components["schemas"]["AssistantMessage"];
        };
        /**
         * @description A conversation whose last user message is the question. Fields that are not listed, such as `temperature`,
         *     `max_tokens`, `tools` and `response_format`, are accepted and ignored.
         */
        ChatCompletionRequest: {
            /**
             * @description Oldest first. The last message of the role `user` is the question, 1 to 2,000 characters. Earlier messages of
             *     `user` and `assistant` are the history: the last 50 of them, each cut to 2,000 characters. Messages of other roles
             *     and messages after the question are ignored.
             */
            messages: components["schemas"]["CompletionMessage"][];
            metadata?: components["schemas"]["ChatMetadata"] | null;
            /** @description `ken`, or a model of `GET /v1/models` with a level. */
            model: string;
            /**
             * Format: int64
             * @description The number of choices: 1, the default.
             */
            n?: number | null;
            /** @description Reply with server-sent events. Default false. */
            stream?: boolean | null;
            stream_options?: components["schemas"]["StreamOptions"] | null;
            /**
             * @description The end user, 1 to 128 characters: recorded as the customer. It is also the conversation, unless
             *     `metadata.conversation_id` names one.
             */
            user?: string | null;
        };
        /** @description An answer as a chat completion. */
        ChatCompletionResponse: {
            /** @description One choice. */
            choices: components["schemas"]["ChatChoice"][];
            /** @description The addresses of the cited documents, each once, in order of use. */
            citations: string[];
            /**
             * Format: int64
             * @description When it was made, in seconds since 1970.
             */
            created: number;
            /** @description The completion's id. `ken.answer_id` is the id for feedback. */
            id: string;
            /** @description The answer's outcome and citations. */
            ken: components["schemas"]["KenAnswerBody"];
            /** @description The model of the request. */
            model: string;
            /** @description `chat.completion`. */
            object: string;
            /** @description Estimated tokens. */
            usage: components["schemas"]["UsageBody"];
        };
        /** @description A page of a chat. */
        ChatListResponse: {
            /** @description Of this visitor on this inbox, in the order of the log, without notes among agents. */
            messages: components["schemas"]["ChatMessage"][];
            /** @description Pass as `after` to get the next page, or what comes later. */
            next?: string | null;
            responder?: components["schemas"]["Responder"] | null;
        };
        /** @description A message as the visitor sees it. */
        ChatMessage: {
            /** @description The answer's id, with which the site's server can give feedback; null if it is none. */
            answer_id?: string | null;
            /**
             * Format: date-time
             * @description When.
             */
            at: string;
            /** @description Who wrote. */
            author: components["schemas"]["AuthorKind"];
            /** @description The id that the browser chose; null for others' messages. */
            client_id?: string | null;
            /** @description The message's id. */
            id: string;
            /** @description What. */
            parts: components["schemas"]["Part"][];
        };
        /** @description A message of a visitor. */
        ChatMessageRequest: {
            /** @description Chosen by the browser, 1 to 64 bytes: what has the same id is stored once. */
            id: string;
            /** @description The text, 1 to 20,000 characters. */
            text: string;
        };
        /** @description The message that was stored. */
        ChatMessageResponse: {
            /** @description Its id; null if it was stored before. */
            message_id?: string | null;
        };
        /** @description Values that only Ken uses. Other keys are accepted and ignored. */
        ChatMetadata: {
            /** @description The audiences of the end user, separated by commas, such as `agent,tier:gold`. */
            audience?: string | null;
            /** @description The channel that the question comes from, 1 to 128 characters, such as `web`. */
            channel?: string | null;
            /**
             * @description The conversation, 1 to 128 characters, the same for all its turns. If the request has no earlier messages, its
             *     recorded turns are the history.
             */
            conversation_id?: string | null;
            /** @description Language of the reply (BCP 47). Default: that of the question. */
            language?: string | null;
        };
        /** @description The chat to open. */
        ChatRequest: {
            /**
             * @description A token that the company signed for somebody who is signed in; see `POST /v1/inboxes/{id}/messages`. What the
             *     visitor wrote before they signed in belongs to them from now on.
             */
            identity_token?: string | null;
            /** @description An inbox of the channel `web`. */
            inbox_id: string;
            /** @description Name of somebody who is signed in, at most 128 characters, in place of the token's. */
            name?: string | null;
            /** @description The token of an earlier session of this browser: the visitor stays the same. */
            session?: string | null;
            /** @description The workspace of the inbox. Default: `default`. */
            workspace?: string | null;
        };
        /** @description A visitor's session. */
        ChatResponse: {
            /**
             * Format: date-time
             * @description Until when it is valid: 30 days, or as long as the identity token.
             */
            expires_at: string;
            /** @description Whether the visitor is signed in. */
            is_signed_in: boolean;
            /** @description Send it as `Authorization: Bearer …`. Forget it when the visitor signs out: the next session is somebody else's. */
            session: string;
        };
        /** @description A page of the chunks of a version. */
        ChunkListResponse: {
            /** @description The chunks, in reading order. */
            chunks: components["schemas"]["ListedChunk"][];
            /** @description How many chunks the version has. */
            n_chunks: number;
            /** @description Pass as `after` to get the next page; null on the last page. */
            next?: string | null;
            /**
             * Format: int64
             * @description The version, from 1.
             */
            version: number;
        };
        /** @description A quotation: the document's text from byte `start` to byte `end` equals `quote`. */
        CitationBody: {
            /** @description The passage that is quoted. */
            chunk_id: string;
            /** @description The document that is quoted. */
            document_id: string;
            /**
             * Format: int64
             * @description The version of it that is quoted, from 1.
             */
            document_version: number;
            /** @description Where the quote ends in the document's text, in bytes, exclusive. */
            end: number;
            /** @description The headings above the passage, outermost first. */
            heading_path: string[];
            /** @description Links within the quote; omitted if empty. */
            links?: components["schemas"]["LinkBody"][];
            /** @description The citation's number, from 1, in order of use. */
            number: number;
            /**
             * Format: int32
             * @description Page or slide where the quote begins, from 1, if the source has pages.
             */
            page?: number | null;
            /** @description The quoted text. */
            quote: string;
            /** @description Where the quote begins in the document's text, in bytes. */
            start: number;
            /** @description The document's title. */
            title: string;
            /** @description The document's own address, if it has one. */
            uri?: string | null;
        };
        /**
         * @description `typed_email`, `typed_phone`, `typed_external_id`: somebody typed the other's address or id.
         * @enum {string}
         */
        ClaimBasis: "typed_email" | "typed_phone" | "typed_external_id";
        /** @description The document that is nearest to a gap. */
        ClosestKnowledge: {
            /** @description Its id. */
            document_id: components["schemas"]["DocumentId"];
            /**
             * Format: float
             * @description The cosine of its vector and the question's vector, in [-1, 1].
             */
            similarity: number;
            /** @description Its title. */
            title: string;
        };
        /** @description A question that belongs to another document. */
        Collision: {
            /** @description The document that the question belongs to. */
            belongs_to: components["schemas"]["DocumentId"];
            /** @description The affected question of the other FAQ. */
            question: string;
            /**
             * @description `taken`: that question would be answered from the new document. `same`: the wording equals a question of that
             *     document. `answered`: the wording is already answered from that document. `nearer`: that FAQ ranks clearly above
             *     the target FAQ for this wording.
             */
            why: components["schemas"]["CollisionReason"];
            /** @description The new wording. */
            wording: string;
        };
        /**
         * @description Why a wording collides with another document.
         * @enum {string}
         */
        CollisionReason: "taken" | "same" | "answered" | "nearer";
        /**
         * @description How a field is compared. Text: the first ten. Numbers: `=` to `≤`; `updated_at` counts as seconds since 1970, any other
         *     field as the number that it is written as. Times: `before`, `after`.
         * @enum {string}
         */
        ComparisonOperator: "contains" | "not contains" | "start with" | "end with" | "is" | "is not" | "in" | "not in" | "empty" | "not empty" | "=" | "≠" | ">" | "<" | "≥" | "≤" | "before" | "after";
        /** @description A message of a conversation. */
        CompletionMessage: {
            content?: components["schemas"]["MessageContent"] | null;
            /** @description The author. */
            role: components["schemas"]["CompletionRole"];
        };
        /**
         * @description The author of a message. Messages of `system`, `developer`, `tool` and `function` are ignored.
         * @enum {string}
         */
        CompletionRole: "system" | "developer" | "user" | "assistant" | "tool" | "function";
        /** @description A condition on one field. */
        Condition: {
            /** @description How the field is compared. */
            comparison_operator: components["schemas"]["ComparisonOperator"];
            /**
             * @description `title`, `document_id`, `path`, `uri`, `language`, `tags`, `kind` or `updated_at`. Any other field is absent from
             *     every document.
             */
            name: string;
            value?: components["schemas"]["ConditionValue"] | null;
        };
        /** @description A value, or a list of values for `in` and `not in`. A text is split at commas for these. */
        ConditionValue: string | number | string[];
        /** @description The settings of the service. */
        ConfigResponse: {
            /** @description Every setting, by section, in the order of the documentation. */
            settings: components["schemas"]["SettingBody"][];
        };
        /** @description A contradiction between two statements. */
        Conflict: {
            /** @description Words of the first statement. */
            first: string;
            /** @description The kind of difference. */
            kind: components["schemas"]["ConflictKind"];
            /** @description Words of the second statement. */
            second: string;
        };
        /**
         * @description What differs. `figure`: two numbers. `unit`: two units. `date`: two dates. `condition`: whom or what it holds for. `negation`: one says that it is so, the other that it is not.
         * @enum {string}
         */
        ConflictKind: "figure" | "unit" | "date" | "condition" | "negation";
        /**
         * @description The rule that decides which of two passages is right. `rank`: the higher rank. `specific`: the one for fewer people or channels. `newer`: the one that became valid later.
         * @enum {string}
         */
        ConflictRule: "rank" | "specific" | "newer";
        /** @description A consent of an identity. */
        Consent: {
            /** @description How it was given or withdrawn. */
            basis: components["schemas"]["ConsentBasis"];
            /** @description Whether it is given. */
            granted: boolean;
            /** @description The identity that gave or withdrew it. */
            identity_id: components["schemas"]["IdentityId"];
            /** @description For what. */
            purpose: components["schemas"]["ConsentPurpose"];
            /** @description The event that set it. */
            seq: components["schemas"]["i64"];
        };
        /**
         * @description `provider`: the platform reports it, as a follow or a block. `customer`: the customer wrote it. `agent`: an agent recorded it. `api`: a system of the company.
         * @enum {string}
         */
        ConsentBasis: "provider" | "customer" | "agent" | "api";
        /**
         * @description `service`: replies. `proactive`: unasked help. `marketing`: offers. `profiling`: derived traits.
         * @enum {string}
         */
        ConsentPurpose: "service" | "proactive" | "marketing" | "profiling";
        /** @description A part of a message. */
        ContentPart: {
            /** @description The text of a part of the type `text`. The texts of a message are joined with line breaks. */
            text?: string | null;
            /** @description `text`. A user's message may have no other type; other parts of an assistant's message are ignored. */
            type: string;
        };
        /** @description A conversation. */
        Conversation: {
            /** @description The newest message of the customer that was answered, handed off, or answered in the shadow. */
            answered_seq: components["schemas"]["i64"];
            /** @description The agent who has it; null if nobody has. */
            assignee?: string | null;
            continues_id?: components["schemas"]["ConversationId"] | null;
            /**
             * Format: date-time
             * @description When the first word was written to the customer.
             */
            first_response_at?: string | null;
            /** @description The conversation's id. */
            id: components["schemas"]["ConversationId"];
            /** @description The identity that it is with. */
            identity_id: components["schemas"]["IdentityId"];
            /** @description The inbox it is on. */
            inbox_id: components["schemas"]["InboxId"];
            /**
             * Format: date-time
             * @description When an agent last wrote to the customer.
             */
            last_agent_at?: string | null;
            /**
             * Format: date-time
             * @description When the customer last wrote.
             */
            last_in_at?: string | null;
            /** @description The newest message of the customer; 0 if there is none. */
            last_in_seq: components["schemas"]["i64"];
            /**
             * Format: date-time
             * @description When something was last written to the customer.
             */
            last_out_at?: string | null;
            /**
             * Format: int64
             * @description How often it was opened again after it was resolved.
             */
            n_reopened: number;
            /**
             * Format: date-time
             * @description When it was opened.
             */
            opened_at: string;
            /** @description The event that opened it. */
            opened_seq: components["schemas"]["i64"];
            /**
             * Format: date-time
             * @description When the bot answers what came since; null if it need not.
             */
            reply_due_at?: string | null;
            /**
             * Format: date-time
             * @description When it was last resolved.
             */
            resolved_at?: string | null;
            /** @description Who answers. */
            responder: components["schemas"]["Responder"];
            /** @description Its newest event. */
            seq: components["schemas"]["i64"];
            /**
             * Format: date-time
             * @description Until when it is snoozed.
             */
            snoozed_until?: string | null;
            /** @description Its status. */
            status: components["schemas"]["ConversationStatus"];
            /**
             * Format: date-time
             * @description Since when the customer waits for a word; null if nobody waits.
             */
            waiting_since?: string | null;
            /**
             * Format: date-time
             * @description Until when something may be sent; null: at any time.
             */
            window_until?: string | null;
        };
        /** @description Options of an action. */
        ConversationActionRequest: {
            /**
             * @description `assign`: the id of the agent who gets it, 1 to 128 visible ASCII characters; null: nobody.
             * @default null
             */
            to?: string | null;
            /**
             * Format: date-time
             * @description `snooze`: until when.
             * @default null
             */
            until?: string | null;
        };
        /** @description The conversation that was deleted. */
        ConversationDeleted: {
            /** @description Always `deleted`. */
            effect: components["schemas"]["ItemEffect"];
            /** @description The conversation's id. */
            id: string;
            /**
             * Format: int64
             * @description How many turns were deleted.
             */
            n_turns: number;
        };
        /** @description A conversation's id. */
        ConversationId: string;
        /** @description A page of conversations. */
        ConversationListResponse: {
            /** @description The one with the newest event first. */
            conversations: components["schemas"]["Conversation"][];
            /** @description Pass as `after` to get the next page; null on the last page. */
            next?: string | null;
        };
        /** @description A conversation. */
        ConversationResponse: {
            desk?: components["schemas"]["Conversation"] | null;
            /** @description The conversation's id. */
            id: string;
            /** @description Questions and their answers, oldest first. */
            turns: components["schemas"]["TurnBody"][];
        };
        /**
         * @description `open`: under way. `pending`: waits for the customer. `snoozed`: hidden until a time or the next message. `resolved`: done.
         * @enum {string}
         */
        ConversationStatus: "open" | "pending" | "snoozed" | "resolved";
        /** @description The live version of a document that was expected to have another one. */
        CurrentVersion: {
            /**
             * Format: date-time
             * @description When that was; null if the audit log has no entry.
             */
            changed_at?: string | null;
            /** @description Who last wrote, archived or deleted it; null if the audit log has no entry. */
            changed_by?: string | null;
            /** @description The document's id. */
            document_id: string;
            /**
             * Format: int64
             * @description The live version; null if the document does not exist or was deleted.
             */
            version?: number | null;
        };
        /** @description A pattern of the workspace for personal data. */
        CustomPattern: {
            /** @description Name used in the placeholder: 1 to 32 of `a-z`, `0-9`, `_`, other than a built-in kind. */
            kind: string;
            /** @description Regular expression (`regex` crate syntax); redacts the first group if it has one, otherwise the match. */
            pattern: string;
        };
        /** @description The other identity of a merge or a split. */
        CustomerActionRequest: {
            /** @description `merge`: an identity of the other customer. `split`: the identity whose link with the one of the path is withdrawn. */
            identity_id: string;
        };
        /** @description Everything about one customer. */
        CustomerExport: components["schemas"]["CustomerResponse"] & {
            /** @description The answers that were made, with their questions, by conversation. */
            answers: components["schemas"]["ExportedAnswer"][];
            /** @description All events about the customer, oldest first. */
            events: components["schemas"]["DeskEvent"][];
            /** @description All messages of all conversations, by conversation, in order. */
            messages: components["schemas"]["Message"][];
        };
        /** @description A page of customers. */
        CustomerListResponse: {
            /** @description The oldest identity of each customer, the newest customers first. */
            customers: components["schemas"]["Identity"][];
            /** @description Pass as `after` to get the next page; null on the last page. */
            next?: string | null;
        };
        /** @description A customer: all that belongs to one person. */
        CustomerResponse: {
            /** @description What was agreed to, by identity. */
            consents: components["schemas"]["Consent"][];
            /** @description On all inboxes, the one with the newest event first; at most 100. */
            conversations: components["schemas"]["Conversation"][];
            /** @description The id of the oldest identity. */
            id: string;
            /** @description Oldest first. */
            identities: components["schemas"]["Identity"][];
            /** @description Links among the identities, and with others: also suggested, refused and withdrawn ones. */
            links: components["schemas"]["Link"][];
        };
        /** @description A job that failed permanently. */
        DeadLetterBody: {
            /**
             * Format: int32
             * @description How many times it was tried.
             */
            attempts: number;
            /**
             * Format: date-time
             * @description When it was enqueued.
             */
            created_at: string;
            /** @description Pass as `after` to get the dead letters after this one. */
            cursor: string;
            /**
             * Format: date-time
             * @description When the last attempt failed.
             */
            died_at: string;
            /** @description Why the last attempt failed. */
            error: string;
            /** @description The work's id. */
            id: string;
            /** @description Kind of work, for example `upload`. */
            kind: components["schemas"]["WorkKind"];
            /** @description Input of the job. */
            payload: components["schemas"]["WorkPayload"];
        };
        /**
         * @description `ready`: it runs again. `deleted`: it is gone.
         * @enum {string}
         */
        DeadLetterState: "ready" | "deleted";
        /** @description A decision. */
        DecisionRequest: {
            /**
             * @description Name of the person who decides, 1 to 128 characters.
             * @default null
             */
            reviewer?: string | null;
        };
        /**
         * @description What is unavailable. `encoder_unavailable`, `vectors_unavailable`: the search uses keywords only. `llm_unavailable`: answers quote documents.
         * @enum {string}
         */
        Degradation: "encoder_unavailable" | "vectors_unavailable" | "llm_unavailable";
        /** @description Rows deleted with a workspace. */
        DeletedRows: {
            /**
             * Format: int64
             * @description Number of rows found by a final check: 0 unless written concurrently.
             */
            remaining: number;
            /** @description Number of deleted rows per table. */
            rows: {
                [key: string]: number;
            };
        };
        /**
         * @description `callback`: a signed request to the inbox's `callback_url`. `pull`: the client reads it from the API.
         * @enum {string}
         */
        DeliveryRoute: "callback" | "pull" | "platform";
        /**
         * @description `queued`: waits for its first or next attempt. `sending`: an attempt is under way. `accepted`: the platform took it. `delivered`, `read`: the platform reports it. `failed`: it will not be tried again. `expired`: it was not sent before the channel's window closed. `cancelled`: an agent took over before it was sent.
         * @enum {string}
         */
        DeliveryState: "queued" | "sending" | "accepted" | "delivered" | "read" | "failed" | "expired" | "cancelled";
        /** @description An entry of the log. */
        DeskEvent: components["schemas"]["NewEvent"] & {
            /**
             * Format: date-time
             * @description When it was appended.
             */
            received_at: string;
            /** @description 1, 2, 3 … within the workspace, without gaps. */
            seq: components["schemas"]["i64"];
        };
        /** @description The difference between two versions. */
        DiffResponse: {
            /**
             * Format: int64
             * @description The older version.
             */
            from: number;
            /** @description Metadata fields that differ: `[name, before, after]`. */
            metadata: [
                string,
                string,
                string
            ][];
            /** @description Unified diff of the texts; empty if they are equal. */
            text: string;
            /**
             * Format: int64
             * @description The newer version.
             */
            to: number;
        };
        /** @description An error in Dify's shape. */
        DifyErrorResponse: {
            /**
             * Format: int32
             * @description 1001: no key as `Authorization: Bearer`. 1002: the key is invalid or lacks the right. 2001: the key has no such
             *     knowledge. Otherwise the HTTP status.
             */
            error_code: number;
            /** @description The cause and the remedy. */
            error_msg: string;
        };
        /**
         * @description `in`: from the customer. `out`: to the customer. `note`: among agents. `shadow`: an answer that was made and not sent.
         * @enum {string}
         */
        Direction: "in" | "out" | "note" | "shadow";
        /**
         * @description `gone`: it replied 410. `failing`: an event could not be delivered within its ten attempts, and nothing else was meanwhile.
         * @enum {string}
         */
        DisabledReason: "gone" | "failing";
        /** @description A distilled case. */
        Distilled: {
            /** @description Whether a language model selected the sentences; otherwise rules did. */
            by_model: boolean;
            /** @description Conditions of the resolution, quoted from the agent. */
            conditions: components["schemas"]["Excerpt"][];
            gap?: components["schemas"]["NoKnowledge"] | null;
            /** @description Whether the submitter gave the outcome. */
            is_outcome_given: boolean;
            /** @description The case's language (BCP 47). */
            language: string;
            /** @description How the case ended. */
            outcome: components["schemas"]["CaseOutcome"];
            /** @description The product it is about. */
            product?: string | null;
            /** @description The customer's question, generalized; empty if none was asked. */
            question: string;
            /** @description Requests of the customer. */
            requests: components["schemas"]["Excerpt"][];
            /** @description Sentences of the agent that apply to any customer. */
            resolution: components["schemas"]["Excerpt"][];
            /** @description Requests and instructions of the agent, in order. */
            steps: components["schemas"]["Excerpt"][];
            /** @description The case's tags. */
            tags: string[];
        };
        /** @description Result of one check, with the remedy unless it is fine. */
        DoctorFinding: {
            /** @description What was found, and the remedy unless it is fine. */
            detail: string;
            /** @description How severe it is. */
            severity: components["schemas"]["Severity"];
            /** @description The subject, for example `disk space (store)`. */
            subject: string;
        };
        /** @description The result of all checks. */
        DoctorResponse: {
            /**
             * Format: date-time
             * @description When they were checked.
             */
            checked_at: string;
            /** @description The findings, in the order in which the service needs the parts. */
            findings: components["schemas"]["DoctorFinding"][];
            /** @description The worst severity found. */
            severity: components["schemas"]["Severity"];
        };
        /** @description Why a document was or was not found. */
        DocumentExplanationBody: {
            best?: components["schemas"]["ExplanationBody"] | null;
            /** @description The document's id. */
            document_id: string;
            /** @description Every active filter and whether the document passes it. */
            filters: components["schemas"]["FilterDecision"][];
            /**
             * Format: float
             * @description Score of the last hit within the limit.
             */
            last_score?: number | null;
            /** @description Rank of its best passage among the first 100, from 1. */
            rank?: number | null;
            /** @description `listed`, `outranked`, `no_match`, `filtered`, `not_indexed`, `no_such_document`. */
            verdict: components["schemas"]["SearchVerdict"];
        };
        /** @description A document's id: 1 to 256 bytes, no control characters, no space at either end. */
        DocumentId: string;
        /**
         * @description `article`: a text. `faq`: a question with its answer. `case`: a support case.
         * @enum {string}
         */
        DocumentKind: "article" | "faq" | "case";
        /** @description A page of documents. */
        DocumentListResponse: {
            /** @description Ordered by the bytes of the id. */
            documents: components["schemas"]["ListedDocument"][];
            /** @description Pass as `after` to get the next page; null on the last page. */
            next?: string | null;
            /**
             * Format: int64
             * @description The workspace's newest revision when it was read.
             */
            revision: number;
        };
        /** @description An article. */
        DocumentRequest: {
            /** @description Audiences that may see it; empty: everyone. */
            audience?: string[];
            /** @description The channels that show it; all, if empty. */
            channels?: string[];
            /** @description `markdown` (default), `plain` or `html`. */
            format?: components["schemas"]["TextFormat"];
            /** @description BCP 47. Default: detected from the text. */
            language?: string | null;
            /**
             * Format: date-time
             * @description When this version replaces the live one, to the second. Default: immediately.
             */
            publish_at?: string | null;
            /**
             * Format: int64
             * @description Precedence in contradictions: the document of higher rank wins. Default 0.
             */
            rank?: number;
            /** @description Ids of related documents. */
            related?: string[];
            /**
             * Format: date-time
             * @description When a person should check it. The lint reports it from then on.
             */
            review_by?: string | null;
            /** @description `draft`, `published` (default) or `archived`. */
            status?: components["schemas"]["DocumentStatus"];
            /** @description Tags; a request can ask for documents with certain tags. */
            tags?: string[];
            /** @description The text, up to the request body limit. Markdown front matter overrides the fields here, except `id`. */
            text: string;
            /** @description Default: the first heading, or the first line. */
            title?: string;
            /** @description The document's own address; a citation shows it. */
            uri?: string | null;
            /**
             * Format: date-time
             * @description From when it is valid; from the beginning, if absent.
             */
            valid_from?: string | null;
            /**
             * Format: date-time
             * @description Until when it is valid, exclusive; for ever, if absent.
             */
            valid_until?: string | null;
        };
        /** @description A document with its text. */
        DocumentResponse: components["schemas"]["SummaryBody"] & {
            /**
             * Format: int64
             * @description Newest revision of the workspace at the time of reading.
             */
            revision: number;
            /** @description The extracted text; citation spans are byte offsets into it. */
            text: string;
        };
        /**
         * @description `draft`: not published yet. `published`: answers use it. `archived`: answers do not use it any more.
         * @enum {string}
         */
        DocumentStatus: "draft" | "published" | "archived";
        /** @description Usage of a document. */
        DocumentUsage: {
            /** @description How many answers cite it. */
            cited: number;
            /** @description How many of them were rated as not helpful. */
            disliked: number;
            /** @description The document's id. */
            document_id: components["schemas"]["DocumentId"];
            /**
             * @description `unused` (published, never cited), `stale` (past its review date or validity), `disliked` (cited at least five times
             *     and disliked more often than liked), `distrusted` (excluded from answers).
             */
            flags: components["schemas"]["UsageFlag"][];
            /** @description How many of them were rated as helpful. */
            liked: number;
            /** @description The document's title. */
            title: string;
        };
        /** @description Candidate knowledge to review. */
        Draft: components["schemas"]["DraftClass"] & {
            /** @description Text from agents; empty if no case resolves the question. */
            answer: string;
            /** @description Conditions of the answer, in the words of the agents. */
            conditions: string[];
            /**
             * Format: float
             * @description Confidence that the answer is correct and general, 0 to 1.
             */
            confidence: number;
            /** @description Contradiction between its sources, if any. */
            disagreement?: string | null;
            /** @description Its history, oldest first. */
            history: components["schemas"]["DraftEvent"][];
            /** @description The draft's id. */
            id: string;
            /** @description Whether a person edited question, answer or variants; new sources no longer change them. */
            is_edited: boolean;
            /** @description The draft's language (BCP 47). */
            language: string;
            /** @description The product it is about. */
            product?: string | null;
            published_as?: components["schemas"]["DocumentId"] | null;
            /** @description The question in general terms. */
            question: string;
            /** @description Cases and feedback that it was made from. */
            sources: components["schemas"]["DraftSource"][];
            /** @description State of the review. */
            state: components["schemas"]["DraftState"];
            /** @description Requests and instructions of agents, over all sources, in order. */
            steps: string[];
            /** @description Tags of its sources. */
            tags: string[];
            /** @description Alternative wordings from other customers. */
            variants: string[];
        };
        /**
         * @description What was done. `reopened`: the text changed after an approval, which no longer counts.
         * @enum {string}
         */
        DraftAction: "approved" | "edited" | "rejected" | "merged" | "published" | "reopened";
        /** @description A review decision. */
        DraftActionRequest: {
            /**
             * @description `:edit` only: the new answer, 1 to 20,000 characters.
             * @default null
             */
            answer?: string | null;
            /**
             * @description `:approve` only: publish despite broken judged questions or wording collisions.
             * @default false
             */
            force?: boolean;
            /**
             * @description `:merge` only: id of the target draft.
             * @default null
             */
            into?: string | null;
            /**
             * @description `:edit` only; omitted fields stay unchanged.
             * @default null
             */
            question?: string | null;
            /**
             * @description `:reject` only, 1 to 500 characters. `wrong`, `duplicate` and `not_general` also train the ranking.
             * @default null
             */
            reason?: string | null;
            /**
             * @description Name of the reviewer, 1 to 128 characters. With `four_eyes`, approval needs two different reviewers.
             * @default null
             */
            reviewer?: string | null;
            /**
             * @description `:edit` only: the new tags, each 1 to 128 characters.
             * @default null
             */
            tags?: string[] | null;
            /**
             * @description `:edit` only: the new wordings, each 1 to 2,000 characters.
             * @default null
             */
            variants?: string[] | null;
        };
        /** @description How a draft relates to existing knowledge. */
        DraftClass: {
            /** @enum {string} */
            class: "new";
        } | {
            /** @enum {string} */
            class: "variant";
            /** @description The FAQ that answers the question already. */
            document_id: components["schemas"]["DocumentId"];
        } | {
            /** @enum {string} */
            class: "update";
            /** @description The document that would be extended. */
            document_id: components["schemas"]["DocumentId"];
        } | {
            /** @enum {string} */
            class: "contradiction";
            /** @description The figures or words that differ. */
            detail: string;
            /** @description The document that it contradicts. */
            document_id: components["schemas"]["DocumentId"];
        } | {
            /** @enum {string} */
            class: "known";
            /** @description The document that answers the question already. */
            document_id: components["schemas"]["DocumentId"];
        } | {
            /** @enum {string} */
            class: "negative";
            /** @description The FAQ that is found for the question and does not answer it. */
            document_id: components["schemas"]["DocumentId"];
        } | {
            /** @enum {string} */
            class: "gap";
            /** @description Why no case answers the question. */
            reason: components["schemas"]["NoKnowledge"];
        };
        /** @description Findings that a reviewer must see. */
        DraftDetails: components["schemas"]["RankedDraft"] & {
            /** @description Wording collisions with other FAQs. */
            collisions: components["schemas"]["Collision"][];
            /** @description Answers that it would change. */
            impact: components["schemas"]["Impact"];
            nearest?: components["schemas"]["NearestKnowledge"] | null;
            /** @description Logged questions without an answer now that this draft would answer. */
            would_answer: string[];
        };
        /** @description An entry in the history of a draft. */
        DraftEvent: {
            /** @description The action. */
            action: components["schemas"]["DraftAction"];
            /** @description The reviewer's name. */
            actor: string;
            /**
             * Format: date-time
             * @description When it was done.
             */
            at: string;
            /** @description The key of the request; missing if no keys exist. */
            key_id?: string | null;
            /** @description The reason that the reviewer gave for a rejection. */
            reason?: string | null;
        };
        /** @description Drafts, by rank. */
        DraftListResponse: {
            /** @description By rank: demand × confidence × approval rate of similar drafts. */
            drafts: components["schemas"]["RankedDraft"][];
            /** @description Pass as `after` to get the next page; null on the last page. */
            next?: string | null;
        };
        /** @description Source of a draft: a case or feedback. */
        DraftSource: {
            /** @description The agent who handled the case. */
            agent?: string | null;
            /** @description Id of the case or feedback. */
            id: string;
            /** @description The question in general terms. */
            question: string;
            /** @description Sentences of the agent that apply to any customer. */
            resolution: components["schemas"]["Excerpt"][];
            /** @description Whether it resolves the question. */
            settles: boolean;
            /** @description Requests and instructions of the agent, in order. */
            steps: components["schemas"]["Excerpt"][];
            /** @description The case's tags. */
            tags: string[];
            /** @description Hashes of customer values found in system notes, to recognise them without storing them. */
            values?: string[];
        };
        /**
         * @description `open`: waits for a decision. `approved`: one reviewer has approved it and a second one has to. `published`: it is an FAQ now. `rejected`: a reviewer has rejected it. `merged`: another draft has its sources now.
         * @enum {string}
         */
        DraftState: "open" | "approved" | "published" | "rejected" | "merged";
        /** @description A mailbox: the servers by which mails come and go. */
        EmailSettings: {
            /** @description Its address, from which replies are sent. */
            address: string;
            /** @description Certificates of authorities in PEM that are trusted besides the system's. */
            authority?: string | null;
            /** @description The name under which your own mail server writes `Authentication-Results`, which are then believed; null: none are. */
            authserv_id?: string | null;
            /** @description The IMAP server from which mails are fetched. */
            imap_host: string;
            /**
             * Format: int32
             * @description Its port. Default 993.
             */
            imap_port?: number;
            /** @description `tls` (default), `starttls`, or `none` for a server on this machine. */
            imap_security?: string;
            /** @description The folder that is read. Default `INBOX`. */
            mailbox?: string;
            /**
             * @description Whether replies ask for an answer to `local+TOKEN@domain`, which the mail server has to deliver to the mailbox. Default
             *     true.
             */
            signed_replies?: boolean;
            /** @description The SMTP server by which replies are sent. */
            smtp_host: string;
            /**
             * Format: int32
             * @description Its port. Default 587.
             */
            smtp_port?: number;
            /** @description `starttls` (default), `tls`, or `none` for a server on this machine. */
            smtp_security?: string;
            /** @description The account at both servers. Default: the address. */
            user?: string | null;
        };
        /** @description The vector of a text. */
        EmbeddingBody: {
            /** @description A vector of unit length. */
            embedding: components["schemas"]["VectorBody"];
            /** @description The index of the text in the request. */
            index: number;
            /** @description `embedding`. */
            object: string;
        };
        /** @description A text, several texts, or token ids, which are rejected. */
        EmbeddingsInput: string | string[] | number[] | number[][];
        /** @description Texts to encode. Fields that are not listed are accepted and ignored. */
        EmbeddingsRequest: {
            /**
             * Format: int64
             * @description The dimension of the vectors, which cannot be changed; see `GET /v1/models`.
             */
            dimensions?: number | null;
            encoding_format?: components["schemas"]["EncodingFormat"] | null;
            /**
             * @description A text or a list of 1 to 2,048 texts, none of them empty. The encoder reads the beginning of a long text, some 500
             *     tokens. Token ids are rejected.
             */
            input: components["schemas"]["EmbeddingsInput"];
            input_type?: components["schemas"]["InputType"] | null;
            /** @description `ken-embedding`. */
            model: string;
        };
        /** @description The vectors of the texts. */
        EmbeddingsResponse: {
            /** @description In the order of the texts. */
            data: components["schemas"]["EmbeddingBody"][];
            /** @description `ken-embedding`. */
            model: string;
            /** @description `list`. */
            object: string;
            /** @description Estimated tokens. */
            usage: components["schemas"]["EmbeddingsUsage"];
        };
        /** @description Estimated tokens, as in chat completions. */
        EmbeddingsUsage: {
            /** @description Of all texts. */
            prompt_tokens: number;
            /** @description Equal to `prompt_tokens`. */
            total_tokens: number;
        };
        /**
         * @description How a vector is written.
         * @enum {string}
         */
        EncodingFormat: "float" | "base64";
        /** @description What was erased. */
        ErasedResponse: {
            /** @description The customer. */
            id: string;
            /** @description How many cases were deleted that came from them. */
            n_cases: number;
            /** @description How many conversations lost their messages. */
            n_conversations: number;
            /** @description How many identities lost their value and name. */
            n_identities: number;
        };
        /** @description A generalized sentence of a case and its position: bytes `start..end` of the redacted text of turn `turn` (from 0). */
        Excerpt: {
            /** @description Where the sentence ends in the turn's text, in bytes, exclusive. */
            end: number;
            /** @description Where the sentence begins in the turn's text, in bytes. */
            start: number;
            /** @description The sentence in general terms. */
            text: string;
            /** @description The turn, from 0. */
            turn: number;
        };
        /**
         * @description An expectation of a judged question.
         * @enum {string}
         */
        Expectation: "outcome" | "document_id" | "contains";
        /** @description Two or more arms served side by side. The first arm is the live state. */
        Experiment: {
            /**
             * Format: double
             * @description Maximum probability of a false positive (winner, loser or harm) over all arms and looks.
             */
            alpha: number;
            /** @description The compared arms; the first one is the live state. */
            arms: components["schemas"]["Arm"][];
            faq_id?: components["schemas"]["DocumentId"] | null;
            /** @description The experiment's id. */
            id: string;
            /** @description Live answer of the FAQ at the start. */
            live?: string | null;
            /** @description Customers per arm after which the experiment ends without a winner. */
            max_customers: number;
            /** @description Indexes of the arms removed by a guardrail, from 0. */
            out?: number[];
            /** @description Why it ended. */
            reason?: string | null;
            /** @description State of the experiment. */
            state: components["schemas"]["ExperimentState"];
            /** @description Whether automatic promotion of the winner is pending. */
            to_promote?: boolean;
            /** @description Index of the winning arm, from 0. */
            winner?: number | null;
        };
        /** @description An experiment: answers or settings served side by side. */
        ExperimentRequest: {
            /**
             * Format: double
             * @description Probability of a false positive over the whole experiment, 0.0001 to 0.2; default 0.05.
             */
            alpha?: number | null;
            /**
             * @description 2 to 8 arms: `[{ "name", "answer" | "tuning": { "keyword_share", "proximity_share", "min_confidence" } }]`. The first
             *     arm is the live state and has neither.
             */
            arms: components["schemas"]["Arm"][];
            /** @description FAQ whose answers are compared. Default: none; the arms compare settings. */
            faq_id?: string | null;
            /** @description 1 to 64 of `a–z 0–9 - _`. */
            id: string;
            /** @description Customers per arm after which the experiment ends without a winner, 50 to 1,000,000; default 10,000. */
            max_customers?: number | null;
            /** @description Name of the person who starts it, 1 to 128 characters. */
            reviewer?: string | null;
        };
        /**
         * @description `running`: customers see its arms. `stopped`: ended without a winner, or by a guard rail. `decided`: it has a winner, which is not in force yet. `promoted`: the winner is in force.
         * @enum {string}
         */
        ExperimentState: "running" | "stopped" | "decided" | "promoted";
        /** @description State and results of an experiment. */
        ExperimentStatus: components["schemas"]["Experiment"] & {
            /** @description By arm. */
            results: components["schemas"]["ArmResult"][];
        };
        /** @description The workspace's experiments. */
        ExperimentsResponse: {
            /** @description Newest first: the experiment, and per arm `shown`, `known`, `successes`, `harms`, `e_value`, `harm_e_value`. */
            experiments: components["schemas"]["ExperimentStatus"][];
        };
        /** @description A passage that was found for a question. */
        ExplainedEvidence: {
            /** @description Where the reader found the answer, in bytes of the document; absent, if it found none. */
            answer_at?: components["schemas"]["AnswerSpan"];
            /** @description The passage's id. */
            chunk_id: string;
            /**
             * Format: float
             * @description BM25 divided by the highest BM25 that the question could reach, in [0, 1].
             */
            coverage: number;
            /** @description The document that it is from. */
            document_id: string;
            /**
             * Format: int64
             * @description The version of the document, from 1.
             */
            document_version: number;
            /** @description Where the passage ends in the document's text, in bytes, exclusive. */
            end: number;
            /** @description The headings above the passage, outermost first. */
            heading_path: string[];
            /**
             * Format: float
             * @description The reader's logit that the passage answers the question; absent, if the passage was not read.
             */
            reading?: number;
            /**
             * Format: float
             * @description The score after fusion, in [0, 1].
             */
            score: number;
            /**
             * Format: float
             * @description The cosine of the passage's vector and the question's vector, in [-1, 1].
             */
            similarity: number;
            /** @description Where the passage begins in the document's text, in bytes. */
            start: number;
            /** @description The passage's text; null, if the version does not exist any more. */
            text?: string | null;
            /** @description The document's title. */
            title: string;
        };
        /** @description How one question of a message was answered. */
        ExplainedPart: {
            /**
             * Format: float
             * @description The estimated probability that the evidence answers the question, in [0, 1].
             */
            confidence: number;
            /** @description Whether the evidence was good enough. */
            decision: components["schemas"]["AnswerDecision"];
            /** @description The passages that were found, best first. */
            evidence: components["schemas"]["ExplainedEvidence"][];
            /** @description The features that the decision was made from, by name; null if a feature is unknown. */
            features: {
                [key: string]: number | null;
            };
            /** @description Limitations of the answer, and components that were unavailable. */
            notes: components["schemas"]["Note"][];
            /** @description The standalone question that was searched for. */
            question: string;
            /** @description Sentences that failed verification. */
            rejected: components["schemas"]["RejectedSentence"][];
            /** @description The text that was searched for. */
            search_text: string;
            /** @description How long each stage took. */
            timings_ms: components["schemas"]["RecordedTimings"];
            usage?: components["schemas"]["ModelUsage"] | null;
        };
        /** @description The parts of a passage's score. */
        ExplanationBody: {
            /**
             * Format: float
             * @description BM25 divided by the highest BM25 possible for the question in this workspace, 0 to 1.
             */
            coverage: number;
            keyword?: components["schemas"]["LegBody"] | null;
            /** @description Query term forms found in the passage; hits only. */
            matched?: string[] | null;
            /**
             * Format: float
             * @description Penalty for questions that the passage is known not to answer, as a cosine difference.
             */
            negative: number;
            /**
             * Format: float
             * @description Term proximity, 0 to 1.
             */
            proximity: number;
            /**
             * Format: float
             * @description Fused score.
             */
            score: number;
            vector?: components["schemas"]["LegBody"] | null;
        };
        /** @description How an answer was produced. */
        ExplanationResponse: {
            /** @description The answer as returned. */
            answer: components["schemas"]["RecordedAnswer"];
            /**
             * Format: date-time
             * @description When it was answered.
             */
            at: string;
            /**
             * @description For each sub-question: query terms, evidence (with text if the version still exists), features, decision, rejected
             *     sentences, tokens and cost of the language model, timings.
             */
            parts: components["schemas"]["ExplainedPart"][];
            /** @description The original question. */
            question: string;
            /** @description Audience, channel and conversation history of the request. */
            request: components["schemas"]["RecordedRequest"];
        };
        /** @description A question of the customer and its answer. */
        ExportedAnswer: {
            /** @description The answer, as it was given. */
            answer: components["schemas"]["RecordedAnswer"];
            /**
             * Format: date-time
             * @description When it was answered.
             */
            at: string;
            /** @description The question. */
            question: string;
        };
        /** @description What happened. Its JSON has a `type` and `data`. */
        Fact: {
            /** @description Somebody was seen for the first time. The value is stored beside the log. */
            data: {
                inbox_id?: components["schemas"]["InboxId"] | null;
                /** @description What the value is. */
                kind: components["schemas"]["IdentityKind"];
                verified_by?: components["schemas"]["VerifiedBy"] | null;
            };
            /** @enum {string} */
            type: "identity.created";
        } | {
            /** @description An identity was verified. */
            data: {
                /** @description How. */
                by: components["schemas"]["VerifiedBy"];
            };
            /** @enum {string} */
            type: "identity.verified";
        } | {
            /** @description Two identities are one customer. */
            data: {
                /** @description Why. */
                basis: components["schemas"]["LinkBasis"];
                /** @description The other identity. */
                other: components["schemas"]["IdentityId"];
            };
            /** @enum {string} */
            type: "identity.linked";
        } | {
            /** @description Two identities are not one customer by this link any more. */
            data: {
                /** @description The other identity. */
                other: components["schemas"]["IdentityId"];
            };
            /** @enum {string} */
            type: "identity.unlinked";
        } | {
            /** @description Two identities may be one customer; an agent may decide. */
            data: {
                /** @description Why. */
                basis: components["schemas"]["ClaimBasis"];
                /** @description The other identity. */
                other: components["schemas"]["IdentityId"];
            };
            /** @enum {string} */
            type: "identity.link_suggested";
        } | {
            /** @description A link was refused, because both sides have a verified external id. */
            data: {
                /** @description Why they were to be linked. */
                basis: components["schemas"]["LinkBasis"];
                /** @description The other identity. */
                other: components["schemas"]["IdentityId"];
            };
            /** @enum {string} */
            type: "identity.link_refused";
        } | {
            /** @description A conversation began. */
            data: {
                continues_id?: components["schemas"]["ConversationId"] | null;
                /** @description The inbox. */
                inbox_id: components["schemas"]["InboxId"];
                /** @description Who answers. */
                responder: components["schemas"]["Responder"];
            };
            /** @enum {string} */
            type: "conversation.opened";
        } | {
            /** @description The customer wrote. */
            data: {
                /** @description The message. */
                message_id: components["schemas"]["MessageId"];
                /**
                 * Format: date-time
                 * @description When the bot answers it; `None` if it need not.
                 */
                reply_due_at?: string | null;
                /**
                 * Format: date-time
                 * @description Until when something may be sent.
                 */
                window_until?: string | null;
            };
            /** @enum {string} */
            type: "message.received";
        } | {
            /** @description A later transcript of what the customer said replaces the message's text. */
            data: {
                /** @description The message. */
                message_id: components["schemas"]["MessageId"];
                /**
                 * Format: date-time
                 * @description When the bot answers it; `None` if it need not.
                 */
                reply_due_at?: string | null;
                /**
                 * Format: int32
                 * @description The number of the version.
                 */
                revision: number;
            };
            /** @enum {string} */
            type: "message.revised";
        } | {
            /** @description The customer withdrew a message on the channel; it is erased. */
            data: {
                /** @description The message. */
                message_id: components["schemas"]["MessageId"];
            };
            /** @enum {string} */
            type: "message.withdrawn";
        } | {
            /** @description Files of a message of the customer were fetched from the platform. */
            data: {
                /** @description The message. */
                message_id: components["schemas"]["MessageId"];
            };
            /** @enum {string} */
            type: "message.files_fetched";
        } | {
            /** @description Something was written to the customer, or noted, or answered in the shadow. */
            data: {
                /** @description The newest message of the customer that it answers; 0 if it answers none. */
                answers_seq: components["schemas"]["i64"];
                /** @description Who wrote it. The id of an agent is that of a key or of a person at the provider of sign-in. */
                author: components["schemas"]["Author"];
                /** @description Its direction: not `in`. */
                direction: components["schemas"]["Direction"];
                /** @description The message. */
                message_id: components["schemas"]["MessageId"];
                /**
                 * Format: date-time
                 * @description When it expires undelivered.
                 */
                not_after?: string | null;
                route?: components["schemas"]["DeliveryRoute"] | null;
            };
            /** @enum {string} */
            type: "message.added";
        } | {
            /** @description Who answers changed. */
            data: {
                /** @description Why. */
                reason: components["schemas"]["ResponderReason"];
                /** @description Who answers now. */
                to: components["schemas"]["Responder"];
            };
            /** @enum {string} */
            type: "conversation.responder_changed";
        } | {
            /** @description The status changed. */
            data: {
                /** @description The status now. */
                to: components["schemas"]["ConversationStatus"];
                /**
                 * Format: date-time
                 * @description Until when it is snoozed.
                 */
                until?: string | null;
            };
            /** @enum {string} */
            type: "conversation.status_changed";
        } | {
            /** @description The agent who has it changed. */
            data: {
                /** @description The agent; `None`: nobody. */
                to?: string | null;
            };
            /** @enum {string} */
            type: "conversation.assigned";
        } | {
            /** @description The bot gave up answering for now; it is due again at a later time. */
            data: {
                /**
                 * Format: date-time
                 * @description When it is due.
                 */
                until: string;
            };
            /** @enum {string} */
            type: "conversation.reply_delayed";
        } | {
            /** @enum {string} */
            type: "conversation.reply_dropped";
        } | {
            /** @description The state of a delivery changed. */
            data: {
                /**
                 * Format: int64
                 * @description How often it was tried.
                 */
                attempt: number;
                /** @description A code of the failure. */
                error?: string | null;
                /** @description The message. */
                message_id: components["schemas"]["MessageId"];
                /**
                 * Format: date-time
                 * @description When it is tried again.
                 */
                next_at?: string | null;
                /** @description The state now. */
                state: components["schemas"]["DeliveryState"];
            };
            /** @enum {string} */
            type: "delivery.changed";
        } | {
            /** @description A consent was given or withdrawn. */
            data: {
                /** @description How. */
                basis: components["schemas"]["ConsentBasis"];
                /** @description Whether it is given. */
                granted: boolean;
                /** @description For what. */
                purpose: components["schemas"]["ConsentPurpose"];
            };
            /** @enum {string} */
            type: "consent.changed";
        } | {
            /** @enum {string} */
            type: "identity.erased";
        };
        /** @description The fields of an FAQ. A reply leaves out fields without a value. A request also accepts the column names of an import. */
        Faq: {
            /** @description The answer, if it is the same for everybody. A request has `answer` or `answers`. */
            answer?: string;
            /** @description Several answers, each for its own audience, channels or language. */
            answers?: components["schemas"]["FaqAnswer"][];
            /** @description The audience. Default: everyone. */
            audience?: string[];
            /** @description The channels that show it; all, if absent. */
            channels?: string[];
            /** @description The FAQ's id; in a request it can be left out, because the address names it. */
            id?: string;
            /** @description The FAQ's language (BCP 47); detected from the text, if absent. */
            language?: string | null;
            /** @description Similar questions that this FAQ does not answer. */
            negatives?: string[];
            /** @description The id of the FAQ that this one follows up. */
            parent?: string | null;
            /** @description The question, 1 to 2,000 characters. */
            question: string;
            /**
             * Format: int64
             * @description Of two documents that contradict each other, the one of higher rank is right; 0, if absent.
             */
            rank?: number;
            /** @description Ids of documents that a reader may want next. */
            related?: string[];
            /**
             * Format: date-time
             * @description When a person should check it. The lint reports it from then on.
             */
            review_by?: string | null;
            /** @description Its state. Default: `published`. */
            status?: components["schemas"]["DocumentStatus"];
            /** @description Tags; a request can ask for documents with certain tags. */
            tags?: string[];
            /** @description The FAQ's own address; a citation shows it. */
            uri?: string | null;
            /**
             * Format: date-time
             * @description From when it is valid; from the beginning, if absent.
             */
            valid_from?: string | null;
            /**
             * Format: date-time
             * @description Until when it is valid, exclusive; for ever, if absent.
             */
            valid_until?: string | null;
            /** @description Other wordings of the question. */
            variants?: string[];
        };
        /** @description One of an FAQ's answers. Empty `audience` or `channels` mean those of the FAQ itself. */
        FaqAnswer: {
            /**
             * @description The audience of this answer. Default: the FAQ's audience.
             * @default []
             */
            audience?: string[];
            /**
             * @description The channels that show this answer; the FAQ's own channels, if absent.
             * @default []
             */
            channels?: string[];
            /**
             * @description The answer's language (BCP 47); the FAQ's own, if absent.
             * @default null
             */
            language?: string | null;
            /**
             * @description The answer.
             * @default
             */
            text: string;
        };
        /** @description A page of FAQs. */
        FaqListResponse: {
            /** @description Ordered by the bytes of the id. */
            faqs: components["schemas"]["Faq"][];
            /** @description Ask again with `after` set to this; null on the last page. */
            next?: string | null;
            /**
             * Format: int64
             * @description The workspace's newest revision when it was read.
             */
            revision: number;
        };
        /**
         * @description An FAQ: `question`, `answer` (a string) or `answers` (`[{ "text", "channels", "audience", "language" }]`), and
         *     optionally `variants`, `negatives`, `tags`, `audience`, `channels`, `language`, `uri`, `valid_from`,
         *     `valid_until`, `review_by`, `status`, `related`, `parent` (the FAQ it follows up), `rank`.
         */
        FaqResponse: components["schemas"]["Faq"] & {
            /** @description Ids of follow-up FAQs. */
            follow_ups: string[];
            /**
             * Format: int64
             * @description The workspace's newest revision when it was read.
             */
            revision: number;
            /**
             * Format: int64
             * @description The live version, from 1.
             */
            version: number;
        };
        /** @description The beginning of an FAQ. */
        FaqStub: {
            /** @description The answer, if one is known. */
            answer?: string | null;
            /** @description The FAQ's question. */
            question: string;
            /** @description Other wordings of the question. */
            variants: string[];
        };
        /** @description One invalid value. */
        Fault: {
            /** @description The problem. */
            detail: string;
            /** @description A JSON pointer into the body (RFC 6901), or a query parameter as `?name`. */
            pointer: string;
        };
        /** @description Feedback on an answer. */
        Feedback: {
            agent_action?: components["schemas"]["AgentAction"] | null;
            /** @description The answer that it is about. */
            answer_id: string;
            /**
             * Format: date-time
             * @description When it was given.
             */
            at: string;
            /** @description The documents that the answer cited, each as `[id, version]`. */
            cited: [
                string,
                number
            ][];
            /** @description The comment, without personal data. */
            comment?: string | null;
            /** @description Whether the customer complained. */
            complaint: boolean;
            /**
             * Format: float
             * @description The confidence of the answer, in [0, 1].
             */
            confidence: number;
            /** @description The answer that should have been given, without personal data. */
            corrected_answer?: string | null;
            corrected_document_id?: components["schemas"]["DocumentId"] | null;
            /**
             * Format: int32
             * @description The customer's rating, 1 to 5.
             */
            csat?: number | null;
            /** @description Hash of the author, to count each person once. */
            customer?: string | null;
            /** @description Whether the answer helped. */
            helpful?: boolean | null;
            /** @description The feedback's id. */
            id: string;
            /** @description The outcome of the answer. */
            outcome: components["schemas"]["Outcome"];
            /** @description Question of the answer, without personal data. */
            question: string;
            reason?: components["schemas"]["FeedbackReason"] | null;
            /** @description Whether the customer contacted support again about the same issue. */
            reopened: boolean;
        };
        /** @description Feedback on answers. */
        FeedbackListResponse: {
            /** @description Newest first, without personal data. */
            feedback: components["schemas"]["Feedback"][];
            /** @description Pass as `after` to get the next page; null on the last page. */
            next?: string | null;
        };
        /**
         * @description `wrong`: the answer is not true. `outdated`: it was true once. `irrelevant`: it answers another question. `incomplete`: something is missing. `unclear`: it is hard to understand. `other`: another reason.
         * @enum {string}
         */
        FeedbackReason: "wrong" | "outdated" | "irrelevant" | "incomplete" | "unclear" | "other";
        /** @description Feedback on an answer: at least one field besides `answer_id` is required. */
        FeedbackRequest: {
            agent_action?: components["schemas"]["AgentAction"] | null;
            /** @description `id` of the answer. */
            answer_id: string;
            /** @description 1 to 2,000 characters. */
            comment?: string | null;
            /** @description Whether the customer complained. */
            complaint?: boolean;
            /**
             * @description The correct answer, 1 to 10,000 characters: handled as a case resolved by an agent, and made into a draft.
             *     Requires a role that may review drafts.
             */
            corrected_answer?: string | null;
            /** @description Document that should have been cited. For an FAQ, the question becomes a draft variant. */
            corrected_document_id?: string | null;
            /**
             * Format: int32
             * @description Rating, 1 to 5; 4 and 5 are positive, 1 and 2 negative.
             */
            csat?: number | null;
            /** @description Author of the feedback, if other than the asker. Only the latest feedback per person counts. Stored as a hash. */
            customer_id?: string | null;
            /** @description Whether the answer helped. */
            helpful?: boolean | null;
            reason?: components["schemas"]["FeedbackReason"] | null;
            /** @description Whether the customer contacted support again about the same issue. */
            reopened?: boolean;
        };
        /** @description Effects of the feedback. */
        FeedbackResponse: {
            /** @description Case created from the corrected answer. */
            case_id?: string | null;
            /** @description Documents excluded from answers from now on because too many people found them wrong. */
            distrusted: string[];
            /** @description Draft created or supported by the feedback. */
            draft_id?: string | null;
            /** @description The feedback's id. */
            id: string;
            /** @description `false` if the same feedback was already recorded; nothing changed then. */
            is_new: boolean;
        };
        /** @description A field that differs. */
        FieldChange: {
            /** @description The row's value. */
            after: string;
            /** @description The stored value. */
            before: string;
            /** @description The field's name. */
            field: string;
        };
        /** @description A form with files. */
        FileForm: {
            /**
             * Format: binary
             * @description The file; a call that takes several files takes several parts of this name.
             */
            file: string;
        };
        /** @description An FAQ that fills a gap. */
        FillingFaq: {
            /** @description Its id. */
            document_id: components["schemas"]["DocumentId"];
            /** @description Its title. */
            title: string;
        };
        /** @description One filter's decision on a document. */
        FilterDecision: {
            /** @description Expected and found values. */
            detail: string;
            /** @description `status`, `audience`, `channel`, `valid_from`, `valid_until`, `tags`, `languages`, `kinds`, `document_ids`. */
            filter: components["schemas"]["FilterName"];
            /** @description Whether the document meets the filter. */
            passed: boolean;
        };
        /**
         * @description The filter that decides, by the request's field or the document's field.
         * @enum {string}
         */
        FilterName: "status" | "audience" | "channel" | "valid_from" | "valid_until" | "tags" | "languages" | "kinds" | "document_ids";
        /** @description A folder of the tree that ids with `/` form. */
        FolderBody: {
            /**
             * Format: int64
             * @description How many documents are below it, at all levels.
             */
            n_documents: number;
            /** @description The folder's name, without `/`. */
            name: string;
            /** @description The beginning of the ids below it, to read that level. */
            prefix: string;
        };
        /** @description A form of a term that was searched for. */
        FormBody: {
            /**
             * Format: float
             * @description Weight of the form, above 0 to 1; 1 is the term as written.
             */
            boost: number;
            /** @description The form, as it is in the index. */
            term: string;
        };
        /** @description Questions of one meaning that were not answered well. */
        Gap: {
            closest?: components["schemas"]["ClosestKnowledge"] | null;
            /**
             * Format: double
             * @description Mean cost of its failures: 0.5 clarified, 1 refused, 2 handed off or disliked, 3 a case without knowledge.
             */
            cost: number;
            /** @description Draft that would fill the gap; otherwise `stub` outlines the FAQ to write. */
            draft_id?: string | null;
            /** @description Failures by kind, with counts. */
            failures: [
                "refused" | "clarified" | "handed_off" | "disliked" | "case",
                number
            ][];
            filled_by?: components["schemas"]["FillingFaq"] | null;
            /** @description Derived from the most central question, so it is stable across calls. */
            id: string;
            /** @description The most central question. */
            question: string;
            /**
             * Format: double
             * @description Volume × cost × trend.
             */
            rank: number;
            stub?: components["schemas"]["FaqStub"] | null;
            /**
             * Format: double
             * @description Ratio of questions in the later half of the period to the earlier half; 1: constant.
             */
            trend: number;
            /** @description Number of askers. */
            volume: number;
            /** @description Alternative wordings, at most five. */
            wordings: string[];
        };
        /**
         * @description `filled`: the knowledge answers it now; it is listed again if it fails again. `out_of_scope`: the knowledge need not answer it; it is not listed again.
         * @enum {string}
         */
        GapClosing: "filled" | "out_of_scope";
        /** @description A gap in the knowledge that a person closed. */
        GapClosure: {
            /**
             * Format: date-time
             * @description When.
             */
            closed_at: string;
            /** @description Who closed it. */
            closed_by: string;
            /** @description The gap's id, derived from the question. */
            id: string;
            /** @description The gap's question. Questions that mean the same are covered too. */
            question: string;
            /** @description Why it was closed. */
            reason: components["schemas"]["GapClosing"];
        };
        /** @description The gap to close. */
        GapClosureRequest: {
            /** @description The gap's question, 1 to 2,000 characters. Questions that mean the same are covered too. */
            question: string;
            /** @description Why it is closed. */
            reason: components["schemas"]["GapClosing"];
        };
        /** @description The closed gaps. */
        GapClosuresResponse: {
            /** @description Newest first. */
            closures: components["schemas"]["GapClosure"][];
        };
        /** @description Questions that were not answered well. */
        GapsResponse: {
            /**
             * @description By volume × cost × trend. Each has `id`, `question` (the most central), `volume`, `rank`, `cost`, `trend`,
             *     `failures`, `wordings`, the `closest` knowledge, the FAQ that it was `filled_by`, and a `draft_id` that would fill it or a `stub` to write.
             */
            gaps: components["schemas"]["Gap"][];
            /** @description Pass as `after` to get the next page; null on the last page. */
            next?: string | null;
        };
        /** @description A highlighted part of a passage. */
        HighlightBody: {
            /** @description Where the highlight ends in `text`, in bytes, exclusive. */
            end: number;
            /** @description Where the highlight begins in `text`, in bytes. */
            start: number;
        };
        /** @description A passage: the document's text from byte `start` to byte `end` equals `text`. */
        HitBody: {
            /** @description The passage's id. */
            chunk_id: string;
            /** @description The document that it is from. */
            document_id: string;
            /**
             * Format: int64
             * @description The version of the document, from 1.
             */
            document_version: number;
            /** @description Where the passage ends in the document's text, in bytes, exclusive. */
            end: number;
            explanation?: components["schemas"]["ExplanationBody"] | null;
            /** @description The headings above the passage, outermost first. */
            heading_path: string[];
            /** @description Byte ranges of `text` that match query terms. */
            highlights: components["schemas"]["HighlightBody"][];
            /** @description The document's language (BCP 47). */
            language?: string | null;
            /**
             * Format: float
             * @description Fused score, 0 to 1.
             */
            score: number;
            /** @description Where the passage begins in the document's text, in bytes. */
            start: number;
            /** @description The passage's text. */
            text: string;
            /** @description The document's title. */
            title: string;
            /** @description The document's own address, if it has one. */
            uri?: string | null;
        };
        /** @description Somebody on one inbox, or with one verified external id. */
        Identity: {
            /**
             * Format: date-time
             * @description When it was first seen.
             */
            created_at: string;
            /** @description The customer: the oldest identity that this one is linked with. */
            customer_id: components["schemas"]["IdentityId"];
            /** @description The name that the channel gives; empty without one. */
            display_name: string;
            /** @description The identity's id. */
            id: components["schemas"]["IdentityId"];
            inbox_id?: components["schemas"]["InboxId"] | null;
            /** @description What `value` is. */
            kind: components["schemas"]["IdentityKind"];
            /** @description The id, address or number; empty once it is erased. */
            value: string;
            verified_by?: components["schemas"]["VerifiedBy"] | null;
        };
        /** @description An identity's id. The id of a customer is that of the customer's oldest identity. */
        IdentityId: string;
        /**
         * @description `channel_user`: the channel's id of a person. `external_id`: the company's own id of a person. `email`, `phone`: an address. `anonymous`: a visitor who has not signed in.
         * @enum {string}
         */
        IdentityKind: "channel_user" | "external_id" | "email" | "phone" | "anonymous";
        /** @description Which answers a change alters. */
        Impact: {
            /** @description Judged questions answered correctly now, but not after the change. */
            broken: components["schemas"]["AlteredAnswer"][];
            /** @description Other questions whose answer would change. */
            changed: components["schemas"]["AlteredAnswer"][];
            /** @description Judged questions answered wrongly now, but correctly after the change. */
            healed: components["schemas"]["AlteredAnswer"][];
            /** @description How many given questions were asked. */
            n_asked: number;
            /** @description How many judged questions were asked. */
            n_judged: number;
            /** @description How many logged questions were asked. */
            n_logged: number;
            /** @description How many wordings of the changed FAQs were asked, at most 100, as they are and as they would be. */
            n_own: number;
        };
        /** @description The parts of an answer that are compared. */
        ImpactReply: {
            /** @description The documents that it cites. */
            document_ids: string[];
            /** @description The outcome. */
            outcome: components["schemas"]["Outcome"];
            /** @description The whole reply. */
            text: string;
        };
        /** @description A change to preview: documents to write and to remove. */
        ImpactRequest: {
            /**
             * Format: date-time
             * @description Answer as of this time. Default: now.
             */
            at?: string | null;
            /**
             * Format: int64
             * @description Number of recent logged questions to ask besides the judged ones, 0 to 1,000; default 200.
             */
            logged?: number | null;
            /** @description Documents to write, by id. */
            put?: {
                [key: string]: components["schemas"]["DocumentRequest"];
            };
            /** @description FAQs to write, by id, with the fields of `PUT /v1/faqs/{id}`. */
            put_faqs?: {
                [key: string]: components["schemas"]["Faq"];
            };
            /** @description Further questions to ask, at most 100, each of 1 to 2,000 characters. */
            questions?: string[];
            /** @description Ids of documents to delete. */
            remove?: string[];
        };
        /** @description An import of a file, or a bulk change. */
        ImportBody: {
            /** @description Who made it. */
            actor: string;
            /**
             * Format: date-time
             * @description When it was written.
             */
            created_at: string;
            /** @description The import's id. */
            id: string;
            /** @description `import` or `bulk`. */
            kind: components["schemas"]["ImportKind"];
            /**
             * Format: int64
             * @description How many FAQs it added.
             */
            n_added: number;
            /**
             * Format: int64
             * @description How many FAQs it changed.
             */
            n_changed: number;
            /**
             * Format: int64
             * @description How many FAQs it deleted.
             */
            n_deleted: number;
            /** @description The file's name, or what was changed. */
            name: string;
            /**
             * Format: date-time
             * @description When it was undone; null if it was not.
             */
            undone_at?: string | null;
            /** @description Who undid it; null if it was not undone. */
            undone_by?: string | null;
        };
        /**
         * @description What is done with a row that asks the same as another FAQ or row.
         * @enum {string}
         */
        ImportChoice: "replace" | "add" | "skip";
        /** @description A column of an imported file. */
        ImportColumn: {
            /** @description The field that it is taken for, such as `question` or `answer[channel=line]`; null if it is ignored. */
            field?: string | null;
            /** @description The column's name; empty if it has none. */
            header: string;
            /** @description Its letters in a spreadsheet (`A`, `AB`); null for a field of JSON objects. */
            letters?: string | null;
            /** @description Its position, from 1. */
            position: number;
            /** @description Its first values, at most 3, cut after 200 characters. */
            samples: string[];
        };
        /** @description Effect on a row. */
        ImportEffect: {
            /** @enum {string} */
            effect: "new";
        } | {
            /** @description The fields that differ. */
            changes: components["schemas"]["FieldChange"][];
            /** @enum {string} */
            effect: "changed";
        } | {
            /** @description The row's answers, if they differ from the other's; null if they are the same. */
            answer?: string | null;
            /** @enum {string} */
            effect: "duplicate";
            /** @description The other FAQ's id, or the other row. */
            of: string;
            /** @description The answers of the other FAQ or row, if they differ; null if they are the same. */
            other_answer?: string | null;
        } | {
            /** @description The row's answer. */
            answer: string;
            /** @description The contradiction between the answers. */
            conflict: components["schemas"]["Conflict"];
            /** @enum {string} */
            effect: "conflicting";
            /** @description The answer of the other FAQ or row. */
            other_answer: string;
            /** @description The other FAQ's id, or the other row. */
            with: string;
        } | {
            /** @description The kind of fault. */
            code: components["schemas"]["CellFaultCode"];
            /** @description The column with the fault. */
            column: string;
            /** @description The problem in a sentence. */
            detail: string;
            /** @enum {string} */
            effect: "invalid";
        };
        /** @description A form with a file of FAQs. */
        ImportForm: {
            /** @description Like the query parameter `choices`. */
            choices?: string | null;
            /** @description Like the query parameter `columns`. */
            columns?: string | null;
            /**
             * Format: binary
             * @description The file.
             */
            file: string;
        };
        /** @description An import that a job checks against the judged questions, then writes. */
        ImportJobResponse: components["schemas"]["JobResponse"] & {
            /** @description Effects that the import would have. The job's item holds the result. */
            report: components["schemas"]["ImportReport"];
        };
        /**
         * @description `import`: of a file. `bulk`: one change of many FAQs.
         * @enum {string}
         */
        ImportKind: "import" | "bulk";
        /** @description A page of imports. */
        ImportListResponse: {
            /** @description Newest first. The last 100 of a workspace are kept. */
            imports: components["schemas"]["ImportBody"][];
            /** @description Pass as `after` to get the next page; null on the last page. */
            next?: string | null;
        };
        /** @description Effects of an import, or of its dry run. */
        ImportReport: {
            /** @description Whether anything was written. */
            applied: boolean;
            /** @description All columns of the file, in order, and what each is taken for. */
            columns: components["schemas"]["ImportColumn"][];
            /**
             * @description The row with the columns' names, from 1; null if there is none, as in JSON, or if none names a question and an
             *     answer.
             */
            header_row?: number | null;
            /** @description Unknown columns, ignored. */
            ignored_columns: string[];
            impact?: components["schemas"]["Impact"] | null;
            /** @description The id under which the import is listed and can be undone once it is written; null if nothing is written. */
            import_id?: string | null;
            /** @description How many rows change an FAQ. */
            n_changed: number;
            /** @description How many rows contradict another FAQ or row, without a choice. */
            n_conflicting: number;
            /** @description How many rows ask what another FAQ or row asks, without a choice. */
            n_duplicate: number;
            /** @description How many rows cannot be read. */
            n_invalid: number;
            /** @description How many rows are new FAQs. */
            n_new: number;
            /** @description How many rows are left out by a choice. */
            n_skipped: number;
            /** @description How many rows equal a stored FAQ. */
            n_unchanged: number;
            /**
             * Format: int64
             * @description Newest revision after the import.
             */
            revision: number;
            /** @description All rows except unchanged ones, in order. */
            rows: components["schemas"]["ImportRow"][];
        };
        /** @description One row, and what becomes of it. */
        ImportRow: components["schemas"]["ImportEffect"] & {
            choice?: components["schemas"]["ImportChoice"] | null;
            /** @description The FAQ's id, if the row has one. */
            id?: string | null;
            /** @description The row's question. */
            question: string;
            /** @description Row number in the file, from 1, including the header. */
            row: number;
            /** @description Semantically similar FAQs, nearest first; only if requested. */
            similar?: components["schemas"]["SimilarQuestion"][];
        };
        /** @description What a channel delivers. What has the same `id` is stored once. */
        InboundRequest: {
            /**
             * Format: date-time
             * @description When it was written. Default: now.
             */
            at?: string | null;
            /** @description The channel's id of it, 1 to 256 bytes. */
            id: string;
            /** @description Of a transcript of speech: false while the turn is being spoken. Only a final turn is answered. */
            is_final?: boolean;
            /** @description 1 to 20 parts. */
            parts?: components["schemas"]["Part"][];
            /**
             * Format: int32
             * @description Of a transcript of speech: the number of this version of the turn, from 1. A later version replaces an earlier
             *     one; an earlier one that arrives late changes nothing.
             */
            revision?: number | null;
            /** @description Who wrote. */
            sender: components["schemas"]["SenderBody"];
            /** @description The text, 1 to 20,000 characters; or `parts`. */
            text?: string | null;
            /** @enum {string} */
            type: "message";
        } | {
            /**
             * Format: date-time
             * @description When it was written. Default: now.
             */
            at?: string | null;
            /** @description The channel's id of it, 1 to 256 bytes. */
            id: string;
            /** @description 1 to 20 parts. */
            parts?: components["schemas"]["Part"][];
            /** @description The customer. */
            sender: components["schemas"]["SenderBody"];
            /** @description The text, 1 to 20,000 characters; or `parts`. */
            text?: string | null;
            /** @enum {string} */
            type: "echo";
        } | {
            /** @description The channel's id of this report, 1 to 256 bytes. */
            id: string;
            /** @description The message. */
            message_id: components["schemas"]["MessageId"];
            /** @description Its state: `accepted`, `delivered`, `read` or `failed`. */
            state: components["schemas"]["DeliveryState"];
            /** @enum {string} */
            type: "delivery";
        } | {
            /** @description Whether it is given. */
            granted: boolean;
            /** @description The channel's id of it, 1 to 256 bytes. */
            id: string;
            /** @description For what. */
            purpose: components["schemas"]["ConsentPurpose"];
            /** @description The customer. */
            sender: components["schemas"]["SenderBody"];
            /** @enum {string} */
            type: "consent";
        } | {
            /** @description The channel's id of it, 1 to 256 bytes. */
            id: string;
            /** @description The customer, by the id that is known. */
            sender: components["schemas"]["SenderBody"];
            /** @enum {string} */
            type: "alias";
            /** @description The other id. */
            user_id: string;
        };
        /** @description What became of a delivery of a channel. */
        InboundResponse: {
            /** @description Its conversation. */
            conversation_id?: string | null;
            /** @description Whether it was stored before, or changes nothing. */
            is_known: boolean;
            /** @description The message, if it is one. */
            message_id?: string | null;
            /**
             * Format: int64
             * @description The number of its event; null if it is known.
             */
            seq?: number | null;
        };
        /** @description One connected address of a channel: an account, a telephone number, a mailbox, a site. */
        Inbox: {
            /** @description The kind of its channel. */
            channel: components["schemas"]["ChannelKind"];
            /**
             * Format: date-time
             * @description When it was connected.
             */
            created_at: string;
            /** @description The inbox's id. */
            id: components["schemas"]["InboxId"];
            /** @description Its name for people. */
            name: string;
            /** @description The names of its secrets. Their values are never shown. */
            secrets: string[];
            /** @description Its settings. */
            settings: components["schemas"]["InboxSettings"];
        };
        /** @description An inbox's id: 1 to 64 of `a-z`, `0-9`, `-` and `_`. */
        InboxId: string;
        /** @description An inbox to connect, or its new state. */
        InboxRequest: {
            /** @description The kind of its channel; it cannot be changed later. */
            channel: components["schemas"]["ChannelKind"];
            /** @description Its name for people, 1 to 128 characters. A customer who comes from another channel reads it. */
            name: string;
            /**
             * @description Secrets to set, or null to remove one; others stay. `webhook_secret` signs callbacks (`whsec_…`; one is made if a
             *     `callback_url` is set without). `identity_key` verifies the tokens of people who are signed in: a text of at least 32
             *     bytes (HS256) or a public key in PEM (ES256). Of platforms: `channel_secret`, `access_token` (`line`); `app_secret`,
             *     `verify_token`, `access_token` (`whatsapp`, `messenger`), with `phone_number_id` or `page_id`; `bot_token`,
             *     `secret_token` (`telegram`); `signing_secret`, `bot_token` (`slack`).
             */
            secrets?: {
                [key: string]: string | null;
            };
            /** @description Its settings. Omitted ones have their defaults. */
            settings?: components["schemas"]["InboxSettings"];
        };
        /** @description An inbox that was connected or changed. */
        InboxResponse: components["schemas"]["Inbox"] & {
            /** @description The secret that was made for callbacks; shown this once. */
            webhook_secret?: string | null;
        };
        /** @description Settings of an inbox. */
        InboxSettings: {
            /**
             * @description Audiences of everyone who writes here.
             * @default []
             */
            audience?: string[];
            /**
             * @description The confidence that an answer needs to be sent unread. Default: `strict`.
             * @default strict
             */
            auto_send_level?: components["schemas"]["Level"];
            /**
             * Format: int32
             * @description How long the bot waits for further messages before it answers them together, in milliseconds, 0 to 10,000.
             * @default 1000
             */
            burst_ms?: number;
            /**
             * @description Where replies are sent (`generic`): an `https` address.
             * @default null
             */
            callback_url?: string | null;
            /**
             * @description Name of the channel for answers and their rendering. Default: the kind of the channel.
             * @default null
             */
            channel?: string | null;
            /** @default null */
            email?: components["schemas"]["EmailSettings"] | null;
            /**
             * Format: int32
             * @description After how many days messages are erased, 1 to 3,650; null: never.
             * @default null
             */
            keep_days?: number | null;
            /**
             * @description Language of fixed texts to a customer of whom no word is known: `zh-Hant`, `zh-Hans` or `en`; null: Traditional
             *     Chinese and English.
             * @default null
             */
            language?: string | null;
            /**
             * @description Whether answers are sent. A new inbox begins in the shadow.
             * @default shadow
             */
            mode?: components["schemas"]["SendMode"];
            /**
             * @description Where the platform's API is, if not at its own address (`line`, `whatsapp`, `messenger`, `telegram`, `slack`, `wechat`, `phone`): an
             *     `https` address, as of a proxy, without a slash at its end.
             * @default null
             */
            platform_url?: string | null;
            /**
             * Format: int32
             * @description After how many hours without a message a conversation is over, 1 to 8,760. A later message opens a new one.
             * @default 72
             */
            reopen_hours?: number;
            /**
             * Format: int32
             * @description After how many hours without a word from an agent a conversation returns to the bot, 1 to 8,760; null: never.
             * @default 24
             */
            return_to_bot_hours?: number | null;
            /**
             * Format: int32
             * @description For how many hours after a customer's message something may be sent, 1 to 8,760; null: at any time.
             * @default null
             */
            window_hours?: number | null;
        };
        /** @description Whether an inbox is connected rightly. */
        InboxTestResponse: {
            /** @description What the platform says about the account, as JSON; null if it was not reached. */
            account?: string | null;
            /** @description What is wrong, and what to do. */
            faults: string[];
            /** @description Whether nothing is wrong. */
            is_ready: boolean;
            last_webhook?: components["schemas"]["LastWebhook"] | null;
            /** @description The path of the webhook, below the service's public address, to enter at the platform; empty for mailboxes. */
            webhook_path: string;
        };
        /** @description The inboxes of a workspace. */
        InboxesResponse: {
            /** @description Ordered by id. The values of secrets are never shown. */
            inboxes: components["schemas"]["Inbox"][];
        };
        /**
         * @description The role of a text in a search.
         * @enum {string}
         */
        InputType: "passage" | "query";
        /** @description Counts by what they are grouped by, in its order. */
        InsightSummary: {
            /**
             * Format: date-time
             * @description The beginning of the period.
             */
            from: string;
            /** @description The counts by group; empty, if the request does not group. */
            groups: {
                [key: string]: components["schemas"]["AnswerCounts"];
            };
            /**
             * Format: date-time
             * @description The end of the period, exclusive.
             */
            to: string;
            /** @description The counts of all questions. */
            total: components["schemas"]["AnswerCounts"];
        };
        /** @description The item that was changed. */
        ItemChanged: {
            /** @description Its history. */
            effect: components["schemas"]["ItemEffect"];
            /** @description The item's id. */
            id: string;
        };
        /**
         * @description What was done: the item was `deleted`, the key was `revoked`, the review was `closed`, or the gap was `opened` again.
         * @enum {string}
         */
        ItemEffect: "deleted" | "revoked" | "closed" | "opened";
        /** @description One item of a job. */
        JobItemBody: {
            /** @description The result, or the error. */
            detail: string;
            /** @description The file's name, what is changed, or the judged question's id. */
            name: string;
            /**
             * Format: int64
             * @description Position in the job, from 0.
             */
            ordinal: number;
            /** @description Whether it failed and can be run again by `:retry`: its file is kept for 7 days. */
            retriable: boolean;
            /** @description `waiting`, `done` or `failed`. */
            state: components["schemas"]["JobItemState"];
        };
        /**
         * @description How far an item of a job is.
         * @enum {string}
         */
        JobItemState: "waiting" | "done" | "failed";
        /**
         * @description `upload`: reads uploaded files. `change`: checks the judged questions, then writes. `judged_run`: asks the judged questions.
         * @enum {string}
         */
        JobKind: "upload" | "change" | "judged_run";
        /** @description A page of jobs. */
        JobListResponse: {
            /** @description Newest first. */
            jobs: components["schemas"]["JobSummary"][];
            /** @description Pass as `after` to get the next page; null on the last page. */
            next?: string | null;
        };
        /** @description A background job and its progress. */
        JobResponse: components["schemas"]["JobSummary"] & {
            /** @description The items, in order. */
            items: components["schemas"]["JobItemBody"][];
            /** @description Pass as `after` to get the next page of items; null on the last page, and without `limit`. */
            next?: string | null;
        };
        /**
         * @description `filling`: its files are being received. `queued`: it waits for its turn. `running`. `done`: it is finished, though single items may have failed. `failed`: it could not run, or all its items failed. `cancelled`.
         * @enum {string}
         */
        JobState: "filling" | "queued" | "running" | "done" | "failed" | "cancelled";
        /** @description A background job without its items. */
        JobSummary: {
            /** @description The key or service that created it. */
            actor: string;
            /**
             * Format: date-time
             * @description When it was created.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it was finished; null, if it is not.
             */
            finished_at?: string | null;
            /** @description The job's id. */
            id: string;
            /** @description Kind of the job. */
            kind: components["schemas"]["JobKind"];
            /** @description How many items are done. */
            n_done: number;
            /** @description How many items failed. */
            n_failed: number;
            /** @description How many items it has. */
            n_items: number;
            /** @description `filling`, `queued`, `running`, `done`, `failed` (the job did not run, or all its items failed) or `cancelled`. */
            state: components["schemas"]["JobState"];
        };
        /** @description A question with a known correct answer, asked before and after each change. */
        JudgedQuestion: {
            /**
             * @description All audience names of the caller, such as `agent` or `tier:gold`.
             * @default []
             */
            audience?: string[];
            /**
             * @description The channel of the question.
             * @default null
             */
            channel?: string | null;
            /**
             * @description Text that the answer must contain; Chinese script, width and case are ignored.
             * @default null
             */
            contains?: string | null;
            /**
             * @description Document that must be cited.
             * @default null
             */
            document_id?: string | null;
            /**
             * @description Its id, 1 to 128 characters.
             * @default
             */
            id: string;
            /** @default null */
            kind?: components["schemas"]["QuestionKind"] | null;
            /** @default null */
            outcome?: components["schemas"]["Outcome"] | null;
            /**
             * @description The question, 1 to 2,000 characters.
             * @default
             */
            question: string;
        };
        /** @description A question with a known correct answer. Omitted expectations are not checked. */
        JudgedQuestionRequest: {
            audience?: components["schemas"]["OneOrMany"] | null;
            /** @description The channel that it is asked on. */
            channel?: string | null;
            /** @description Text that the answer must contain; Chinese script, width and case are ignored. */
            contains?: string | null;
            /** @description Document that must be cited. */
            document_id?: string | null;
            kind?: components["schemas"]["QuestionKind"] | null;
            outcome?: components["schemas"]["Outcome"] | null;
            /** @description 1 to 2,000 characters. */
            question: string;
        };
        /** @description The workspace's judged questions. */
        JudgedQuestionsResponse: {
            /** @description Pass as `after` to get the next page; null on the last page, and without `limit`. */
            next?: string | null;
            /** @description Ordered by id. */
            questions: components["schemas"]["JudgedQuestion"][];
        };
        /** @description The parts of an answer that are judged. */
        JudgedReply: {
            /** @description The documents that it cites, in order of use. */
            document_ids: string[];
            /** @description The outcome. */
            outcome: components["schemas"]["Outcome"];
            reason?: components["schemas"]["Reason"] | null;
            /** @description The whole reply. */
            text: string;
        };
        /** @description One question of a run. */
        JudgedRow: {
            /** @description What each level would do, strictest first; empty if `judgement` is null. */
            by_level: components["schemas"]["LevelJudgement"][];
            /**
             * Format: float
             * @description Estimated probability that the evidence answers the question, in [0, 1].
             */
            confidence: number;
            /** @description The judged question with its expectations, as it was when the run was requested. */
            expected: components["schemas"]["JudgedQuestion"];
            /** @description The answer. */
            got: components["schemas"]["JudgedReply"];
            judgement?: components["schemas"]["Judgement"] | null;
            /** @description Whether the answer meets all expectations. */
            met: boolean;
        };
        /** @description A run of all judged questions. */
        JudgedRunBody: {
            /**
             * Format: date-time
             * @description When it was requested.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it was finished; null, if it is not.
             */
            finished_at?: string | null;
            /** @description The run's id. */
            id: string;
            /** @description The job that asks the questions: `GET /v1/jobs/{id}` shows its progress, `DELETE /v1/jobs/{id}` cancels it. */
            job_id: string;
            /** @description How many questions have been asked. */
            n_asked: number;
            /** @description The settings and the knowledge that it is asked with. */
            settings: components["schemas"]["RunSettings"];
            /** @description `queued`, `running`, `done`, `failed` or `cancelled`. */
            state: components["schemas"]["JobState"];
            totals?: components["schemas"]["RunTotals"] | null;
        };
        /** @description A page of runs. */
        JudgedRunListResponse: {
            /** @description Pass as `before` to get the next page; null on the last page. */
            next?: string | null;
            /** @description Newest first. A workspace keeps its newest 50 runs. */
            runs: components["schemas"]["JudgedRunBody"][];
        };
        /** @description A run with its questions. */
        JudgedRunResponse: {
            /** @description The questions that have been asked, ordered by id. */
            questions: components["schemas"]["JudgedRow"][];
            /** @description Confidence and the share of answerable questions in ten bins of confidence, lowest first. */
            reliability: components["schemas"]["ReliabilityBin"][];
            /** @description The run. */
            run: components["schemas"]["JudgedRunBody"];
        };
        /**
         * @description An answerable question is answered as expected (`right`), answered otherwise (`wrong`) or not answered (`refused`). A question that must not be answered is not answered (`rightly_refused`) or answered (`falsely_answered`).
         * @enum {string}
         */
        Judgement: "right" | "wrong" | "refused" | "rightly_refused" | "falsely_answered";
        /** @description The answer's outcome and citations, as in the reply of `POST /v1/answers`. */
        KenAnswerBody: {
            /** @description The answer's id; feedback names it. */
            answer_id: string;
            /** @description Citations of the sentences, in order of use. */
            citations: components["schemas"]["CitationBody"][];
            /**
             * Format: float
             * @description Estimated probability that the evidence answers the question, 0 to 1.
             */
            confidence: number;
            /** @description The conversation that the answer is recorded in. */
            conversation_id?: string | null;
            /** @description BCP 47. */
            language: string;
            /** @description Limitations of the answer, and components that were unavailable. */
            notes: components["schemas"]["Note"][];
            /** @description The decision. */
            outcome: components["schemas"]["Outcome"];
            reason?: components["schemas"]["Reason"] | null;
            /** @description How the text was produced. */
            strategy: components["schemas"]["Strategy"];
            /** @description Questions that the asker can choose from. */
            suggestions: string[];
        };
        /** @description Properties of a model in Ken. */
        KenModelBody: {
            /** @description How many numbers a vector has; null for a chat model. */
            dimension?: number | null;
            /** @description The encoder. Vectors of different encoders cannot be compared. Null for a chat model. */
            encoder?: string | null;
            /** @description `chat` or `embedding`: the route that accepts the model. */
            kind: string;
            level?: components["schemas"]["Level"] | null;
        };
        /** @description A new key with its secret. */
        KeyCreated: components["schemas"]["ApiKey"] & {
            /** @description The secret to send as `Authorization: Bearer …`. Shown only once. */
            key: string;
        };
        /** @description A key to create. */
        KeyRequest: {
            /**
             * Format: date-time
             * @description Expiry time. Default: never.
             */
            expires_at?: string | null;
            /** @description Name of the key, 1 to 128 characters; shown in the audit log. */
            name: string;
            /**
             * @description Networks from which the key may be used, for example `["10.0.0.0/8"]`; empty: any. Behind a proxy, the proxy's
             *     address is checked.
             */
            networks?: string[];
            /** @description `bot`, `editor`, `agent`, `admin` or `operator`; only operators create operator keys. */
            role: components["schemas"]["KeyRole"];
        };
        /**
         * @description `bot`: asks questions. `editor`: writes knowledge. `agent`: submits cases and reviews drafts. `admin`: does everything in one workspace. `operator`: does everything in every workspace.
         * @enum {string}
         */
        KeyRole: "bot" | "editor" | "agent" | "admin" | "operator";
        /** @description The keys of a workspace. */
        KeysResponse: {
            /**
             * @description Oldest first, including revoked keys: `id`, `workspace`, `role`, `name`, `networks`, `created_at`, `expires_at`,
             *     `revoked_at`, `last_used_at`.
             */
            keys: components["schemas"]["ApiKey"][];
        };
        /** @description The last request that a platform made, in memory. */
        LastWebhook: {
            /**
             * Format: date-time
             * @description When it came.
             */
            at: string;
            /** @description Its body, the first 16 KiB. */
            body: string;
            /** @description Why it was refused. */
            error?: string | null;
            /** @description How many events it held; null if it was refused. */
            n_events?: number | null;
        };
        /** @description Result of learning settings. */
        LearnedTuning: {
            /**
             * Format: date-time
             * @description Time of the run.
             */
            at: string;
            /** @description The settings that were in force. */
            before: components["schemas"]["Tuning"];
            candidate?: components["schemas"]["Tuning"] | null;
            /** @description Results with the settings that were tried. */
            held_out_after: components["schemas"]["AnswerResults"];
            /** @description Results on held-out labels, with the current settings and with those tried. */
            held_out_before: components["schemas"]["AnswerResults"];
            /** @description Whether the settings that were tried are in force now. */
            is_live: boolean;
            /** @description Judged questions that would break. */
            lost: string[];
            /** @description Languages with worse results. */
            lost_languages: string[];
            /** @description How many labels were held out for the comparison. */
            n_held_out: number;
            /** @description How many labelled questions there were. */
            n_labels: number;
            /**
             * Format: double
             * @description p-value of the paired randomisation test.
             */
            p_value: number;
        };
        /** @description Learning settings failed. */
        LearningFailure: {
            /**
             * Format: date-time
             * @description When it failed.
             */
            at: string;
            /** @description Why it failed. */
            error: string;
        };
        /** @description Rules for the review of drafts. */
        LearningRules: {
            /**
             * @description Promote winners of experiments automatically.
             * @default false
             */
            auto_promote?: boolean;
            /**
             * @description Draft classes published without review if no judged question breaks.
             * @default []
             */
            auto_publish?: components["schemas"]["AutoPublish"][];
            /**
             * @description Require approval by two people.
             * @default false
             */
            four_eyes?: boolean;
        };
        /** @description A passage's rank and score in one of the two searches. */
        LegBody: {
            /** @description From 1; null if this leg did not list the passage. */
            rank?: number | null;
            /**
             * Format: float
             * @description BM25 (keyword) or cosine (vector).
             */
            score: number;
        };
        /**
         * @description Confidence that an answer needs, from `very_strict` (fewest wrong answers, most refusals) to `very_lenient`. `balanced` is the default.
         * @enum {string}
         */
        Level: "very_strict" | "strict" | "balanced" | "lenient" | "very_lenient";
        /** @description The price of a level: what it does with the judged questions. */
        LevelCounts: {
            /** @description Of them, the foreign questions. */
            foreign: components["schemas"]["UnanswerableCounts"];
            /** @description The level. */
            level: components["schemas"]["Level"];
            /** @description Questions that must not be answered and are. */
            n_falsely_answered: number;
            /** @description Answerable questions that are not answered. */
            n_refused: number;
            /** @description Answerable questions that are answered as expected. */
            n_right: number;
            /** @description Questions that must not be answered and are not. */
            n_rightly_refused: number;
            /** @description Answerable questions that are answered otherwise. */
            n_wrong: number;
            /** @description Of the last two, the near misses. */
            near_misses: components["schemas"]["UnanswerableCounts"];
        };
        /** @description What a level would do with a question. */
        LevelJudgement: {
            /** @description What its answer would be. */
            judgement: components["schemas"]["Judgement"];
            /** @description The level. */
            level: components["schemas"]["Level"];
        };
        /** @description A link between two identities. */
        Link: {
            /** @description The older identity. */
            a: components["schemas"]["IdentityId"];
            /** @description The newer identity. */
            b: components["schemas"]["IdentityId"];
            /** @description Why they are, or may be, one customer: a basis of a link or of a claim. */
            basis: string;
            /** @description The event that set this state. */
            seq: components["schemas"]["i64"];
            /** @description The link's state. */
            state: components["schemas"]["LinkState"];
        };
        /**
         * @description `same_token`: one signed token names both. `verified_email`, `verified_phone`: the same address, verified on both sides. `provider_alias`: the platform says so. `agent`: an agent merged them.
         * @enum {string}
         */
        LinkBasis: "same_token" | "verified_email" | "verified_phone" | "provider_alias" | "agent";
        /** @description A link: its text and an `http`, `https`, `mailto` or `tel` URI. */
        LinkBody: {
            /** @description Where the words end in the document, in bytes, exclusive. */
            end: number;
            /** @description Byte offset of the link text in the document. */
            start: number;
            /** @description The words of the link. */
            text: string;
            /** @description The address that the link leads to. */
            uri: string;
        };
        /**
         * @description `active`: they are one customer. `withdrawn`: they were. `suggested`: an agent may decide. `refused`: it would have joined two verified external ids.
         * @enum {string}
         */
        LinkState: "active" | "withdrawn" | "suggested" | "refused";
        /** @description Something in the knowledge that an editor would want to know. */
        LintFinding: components["schemas"]["LintFindingKind"] & {
            /** @description The finding in words. */
            detail: string;
            /** @description The documents it is about: two of a pair, else one. */
            document_ids: components["schemas"]["DocumentId"][];
            /** @description The two chunks concerned. */
            passages?: string[];
        };
        /** @description The finding. */
        LintFindingKind: {
            /** @enum {string} */
            finding: "duplicate";
            /**
             * Format: float
             * @description The cosine of the two passages' vectors, in [-1, 1].
             */
            similarity: number;
        } | {
            /** @description The contradiction between the passages. */
            conflict: components["schemas"]["Conflict"];
            decided?: components["schemas"]["ConflictRule"] | null;
            /** @enum {string} */
            finding: "conflict";
            /**
             * Format: float
             * @description The cosine of the two passages' vectors, in [-1, 1].
             */
            similarity: number;
        } | {
            /** @enum {string} */
            finding: "expired";
        } | {
            /** @enum {string} */
            finding: "review_due";
        } | {
            /** @enum {string} */
            finding: "dead_reference";
        };
        /** @description Findings of the lint. */
        LintResponse: {
            /** @description `duplicate`, `conflict`, `expired`, `review_due` or `dead_reference`, each with the documents concerned. */
            findings: components["schemas"]["LintFinding"][];
        };
        /** @description A chunk of a stored version. */
        ListedChunk: components["schemas"]["PreviewChunk"] & {
            /** @description Its position in the document, from 0. */
            ordinal: number;
        };
        /** @description A document in a list. */
        ListedDocument: components["schemas"]["SummaryBody"] & {
            /** @description Whether its last change is searchable, by keywords and by vectors of the active encoder. */
            indexed: boolean;
            /**
             * Format: int64
             * @description How many chunks the live version has; 0 unless it is published.
             */
            n_chunks: number;
        };
        /**
         * @description Whether all conditions have to hold or one of them.
         * @enum {string}
         */
        LogicalOperator: "and" | "or";
        /** @description A message of a conversation. */
        Message: {
            /** @description The answer that it is, for `GET /v1/answers/{id}`. */
            answer_id?: string | null;
            /**
             * Format: date-time
             * @description When it was written, by the channel's clock if that has one.
             */
            at: string;
            /** @description Who wrote it. */
            author: components["schemas"]["Author"];
            /** @description Its conversation. */
            conversation_id: components["schemas"]["ConversationId"];
            delivery?: components["schemas"]["DeliveryState"] | null;
            /** @description Its direction. */
            direction: components["schemas"]["Direction"];
            /**
             * Format: date-time
             * @description When it was erased.
             */
            erased_at?: string | null;
            /** @description The message's id. */
            id: components["schemas"]["MessageId"];
            /** @description What it consists of; empty once it is erased. */
            parts: components["schemas"]["Part"][];
            /** @description The channel's id of it. */
            provider_message_id?: string | null;
            /** @description The event that added it. */
            seq: components["schemas"]["i64"];
        };
        /** @description A text, or a list of parts. */
        MessageContent: string | components["schemas"]["ContentPart"][];
        /** @description A message's id. */
        MessageId: string;
        /** @description A page of messages. */
        MessageListResponse: {
            /** @description By the time they were written, the oldest first; with notes, and with answers that were made in the shadow. */
            messages: components["schemas"]["Message"][];
            /** @description Pass as `after` to get the next page; null on the last page. */
            next?: string | null;
        };
        /** @description One message, or several sent in a burst. */
        Messages: string | string[];
        /** @description Conditions on the metadata of a passage. */
        MetadataCondition: {
            /** @description None: every passage fulfils them. */
            conditions?: components["schemas"]["Condition"][] | null;
            logical_operator?: components["schemas"]["LogicalOperator"] | null;
        };
        /** @description A model. */
        ModelBody: {
            /**
             * Format: int64
             * @description 0: Ken does not record it.
             */
            created: number;
            /** @description The value for `model` in requests. */
            id: string;
            /** @description Properties of the model in Ken. */
            ken: components["schemas"]["KenModelBody"];
            /** @description `model`. */
            object: string;
            /** @description `ken`. */
            owned_by: string;
        };
        /** @description Usage of a completion. */
        ModelUsage: {
            /**
             * Format: int64
             * @description Tokens of the completion; null where the server does not report them.
             */
            completion_tokens?: number | null;
            /**
             * Format: double
             * @description By the configured prices; null where tokens or prices are unknown.
             */
            cost?: number | null;
            /** @description The model's name. */
            model: string;
            /**
             * Format: int64
             * @description As the server counted them; null where it does not say.
             */
            prompt_tokens?: number | null;
        };
        /** @description The models that the caller may use. */
        ModelsResponse: {
            /** @description Chat models first. */
            data: components["schemas"]["ModelBody"][];
            /** @description `list`. */
            object: string;
        };
        /** @description The document that is nearest to a draft. */
        NearestKnowledge: {
            /** @description The unified diff from its answer to the draft's answer. */
            difference: string;
            /** @description Its id. */
            document_id: components["schemas"]["DocumentId"];
            /** @description The passage that is nearest. */
            text: string;
            /** @description Its title. */
            title: string;
        };
        /** @description An event to append. */
        NewEvent: components["schemas"]["Fact"] & {
            /** @description Who did it: `customer`, `bot`, `ken`, or the id of an agent's key. */
            actor: string;
            /**
             * Format: date-time
             * @description When, by the clock of the source.
             */
            at: string;
            cause?: components["schemas"]["i64"] | null;
            conversation_id?: components["schemas"]["ConversationId"] | null;
            identity_id?: components["schemas"]["IdentityId"] | null;
            /** @description Where it comes from: `inbox:ID`, `agent` or `ken`. */
            source: string;
            /** @description The source's id of it; an event with the same source and id is appended once. */
            source_id?: string | null;
        };
        /**
         * @description Why a case yields no knowledge. `unresolved`: the case was not resolved. `one_account`: all statements apply to this customer's account only. `settles_nothing`: no statement answers the question.
         * @enum {string}
         */
        NoKnowledge: "unresolved" | "one_account" | "settles_nothing";
        /**
         * @description `false_premise`: the answer corrects a false assumption in the question. `partly_answered`: some questions of the message were not answered. `list_continues`: the quoted list or table has more items. `deadline`: the search took too long; keyword search found an FAQ with exactly this question. `encoder_unavailable`, `vectors_unavailable`: keyword search only. `reader_unavailable`: the reader was unavailable; search scores decided, one level stricter. `not_recorded`: the answer could not be written to the store. `llm_unavailable`, `llm_refused`, `llm_truncated`, `llm_garbage`, `llm_deadline`, `llm_unsupported`: why the answer is quoted instead of generated.
         * @enum {string}
         */
        Note: "false_premise" | "partly_answered" | "list_continues" | "deadline" | "encoder_unavailable" | "vectors_unavailable" | "reader_unavailable" | "not_recorded" | "llm_unavailable" | "llm_refused" | "llm_truncated" | "llm_garbage" | "llm_deadline" | "llm_unsupported";
        /** @description One name, or a list of names. */
        OneOrMany: string | string[];
        /** @description The cause of an error, for people and for programs. */
        OpenAiError: {
            /**
             * @description `invalid_api_key`, `insufficient_permissions`, `model_not_found`, `invalid_value`, `invalid_json`,
             *     `unsupported_media_type`, `request_too_large`, `method_not_allowed`, `not_found`, `conflict`, `rate_limit_exceeded`,
             *     `overloaded`, `timeout`, `unavailable` or `internal_error`.
             */
            code: string;
            /** @description The cause and the remedy. */
            message: string;
            /** @description The field that is wrong, for example `messages[0].content`. */
            param?: string | null;
            /** @description `invalid_request_error`, `authentication_error`, `permission_error`, `rate_limit_error` or `server_error`. */
            type: string;
        };
        /** @description An error in OpenAI's shape. */
        OpenAiErrorResponse: {
            /** @description The error. */
            error: components["schemas"]["OpenAiError"];
        };
        /** @description An uploaded file. */
        OriginalBody: {
            /**
             * Format: int64
             * @description Its size.
             */
            n_bytes: number;
            /** @description The file's name. */
            name: string;
        };
        /** @description Messages to the customers of an inbox. */
        OutboundResponse: {
            /** @description In the order in which they were written. */
            messages: components["schemas"]["Message"][];
            /** @description Pass as `after` to get the next page; null on the last page. */
            next?: string | null;
        };
        /**
         * @description `answered`: from the knowledge base, or a reply to a greeting. `clarify`: choose one of the suggestions. `refused`: the knowledge base has no answer. `handoff`: a person has to answer.
         * @enum {string}
         */
        Outcome: "answered" | "clarify" | "refused" | "handoff";
        /** @description A part of a message. */
        Part: {
            /** @description 1 to 20,000 characters. */
            text: string;
            /** @enum {string} */
            type: "text";
        } | {
            /** @description Its type as found in its content, such as `image/png`. Ignored in requests. */
            content_type?: string;
            /**
             * Format: int64
             * @description Its size in bytes. Ignored in requests.
             */
            n_bytes?: number;
            /** @description The file's name, 1 to 255 characters. */
            name: string;
            /** @description SHA-256 of its content, in hex. */
            sha256: string;
            /** @enum {string} */
            type: "attachment";
        } | {
            /**
             * Format: double
             * @description Degrees north, -90 to 90.
             */
            latitude: number;
            /**
             * Format: double
             * @description Degrees east, -180 to 180.
             */
            longitude: number;
            /** @enum {string} */
            type: "location";
        } | {
            /** @description The platform's word for it, such as `sticker`. */
            kind: string;
            /** @description What fetches it from the platform; null if nothing does. Not allowed in requests. */
            media_id?: string | null;
            /** @description The file's name, if the platform gives one. */
            name?: string | null;
            /** @enum {string} */
            type: "other";
        } | {
            /** @description Whether the mail replies to another: its subject is not a part of what is asked. */
            is_reply: boolean;
            /** @description At most 500 characters. */
            text: string;
            /** @enum {string} */
            type: "subject";
        } | {
            /** @description Its language, as the platform writes it, such as `zh_TW`; 2 to 16 characters. */
            language: string;
            /** @description The name of the template at the platform, 1 to 512 characters. */
            name: string;
            /** @description The values of its places, at most 20, each 1 to 1,024 characters. */
            parameters?: string[];
            /** @enum {string} */
            type: "template";
        };
        /** @description A document that a file holds. */
        PreviewBody: {
            /** @description The passages, in reading order. */
            chunks: components["schemas"]["PreviewChunk"][];
            /** @description The id that the document would have. */
            id: string;
            /** @description The kind of document. */
            kind: components["schemas"]["DocumentKind"];
            /** @description The document's language (BCP 47). */
            language?: string | null;
            /** @description The extracted text. */
            text: string;
            /** @description The document's title. */
            title: string;
        };
        /** @description A chunk: bytes `start..end` of the document's text. */
        PreviewChunk: {
            /** @description Where the passage ends, in bytes, exclusive. */
            end: number;
            /** @description The headings above the passage, outermost first. */
            heading_path: string[];
            /**
             * Format: int32
             * @description First page, from 1, if the source has pages.
             */
            page?: number | null;
            /** @description The question it answers, if the source has questions and answers. */
            question?: string | null;
            /** @description Where the passage begins, in bytes. */
            start: number;
            /** @description The passage's text. */
            text: string;
        };
        /** @description The parsed content of a file. */
        PreviewResponse: {
            /** @description The documents that the file holds. */
            documents: components["schemas"]["PreviewBody"][];
            /** @description Parts that cannot be parsed: `[path, reason]`. */
            failed: [
                string,
                string
            ][];
        };
        /** @description An error (RFC 9457). `type` is stable: branch on it. */
        Problem: {
            /** @description The judged questions that the change would break (409), with the answers now and then. */
            broken?: components["schemas"]["AlteredAnswer"][];
            current?: components["schemas"]["CurrentVersion"] | null;
            /** @description The cause and the remedy. */
            detail?: string | null;
            /**
             * @description Every invalid value (422), every value that the caller may not send (403), a value that names
             *     a missing resource (404), or every judged question, wording or
             *     document that blocks the change (409).
             */
            errors?: components["schemas"]["Fault"][];
            /** @description The request's id; the service's log has the same. */
            request_id?: string | null;
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            /** @description The failure in a few words. */
            title: string;
            /** @description A stable path, for example `/problems/invalid-value`. */
            type: components["schemas"]["ProblemType"];
        };
        /**
         * @description The kind of the failure; it is stable.
         * @enum {string}
         */
        ProblemType: "/problems/breaks-judged-questions" | "/problems/changed-since-import" | "/problems/conflict" | "/problems/cross-site" | "/problems/forbidden" | "/problems/internal" | "/problems/invalid-value" | "/problems/method-not-allowed" | "/problems/not-found" | "/problems/not-json" | "/problems/overloaded" | "/problems/timed-out" | "/problems/too-large" | "/problems/too-many-requests" | "/problems/unauthorized" | "/problems/unavailable" | "/problems/unsupported-media-type" | "/problems/version-mismatch" | "/problems/wording-collides";
        /**
         * @description A class of drafts that can be published without a review.
         * @enum {string}
         */
        PublishableClass: "new" | "variant" | "update" | "negative";
        /** @description A logged question. */
        QuestionBody: {
            /** @description The answer's id, for `GET /v1/answers/{id}`. */
            answer_id: string;
            /**
             * Format: date-time
             * @description When it was answered.
             */
            at: string;
            /** @description The channel of the request. */
            channel?: string | null;
            /**
             * Format: float
             * @description The estimated probability that the evidence answers the question, in [0, 1].
             */
            confidence: number;
            /** @description `answered`, `clarify`, `refused` or `handoff`. */
            outcome: components["schemas"]["Outcome"];
            /** @description The question, without personal data. */
            question: string;
            rating?: components["schemas"]["Rating"] | null;
            reason?: components["schemas"]["Reason"] | null;
            /** @description The tags of the request. */
            tags: string[];
        };
        /**
         * @description `answerable`: the knowledge base answers it. `near_miss`: it does not, but covers something similar. `foreign`: the question is about something else entirely.
         * @enum {string}
         */
        QuestionKind: "answerable" | "near_miss" | "foreign";
        /** @description A page of logged questions. */
        QuestionListResponse: {
            /**
             * Format: date-time
             * @description The beginning of the period.
             */
            from: string;
            /** @description Pass as `after` to get the next page; null on the last page. */
            next?: string | null;
            /** @description Newest first. */
            questions: components["schemas"]["QuestionBody"][];
            /**
             * Format: date-time
             * @description The end of the period, exclusive.
             */
            to: string;
        };
        /**
         * @description Where a tried question comes from.
         * @enum {string}
         */
        QuestionOrigin: "judged" | "logged" | "own" | "asked";
        /** @description A draft with its place in the queue. */
        RankedDraft: components["schemas"]["Draft"] & {
            /** @description How many cases or customers asked the question. */
            demand: number;
            /**
             * Format: double
             * @description Demand × confidence × approval rate of similar drafts.
             */
            rank: number;
        };
        /**
         * @description How an answer was rated.
         * @enum {string}
         */
        Rating: "liked" | "disliked";
        /** @description Whether the service can answer from all stored knowledge. */
        Readiness: {
            /**
             * @description Unavailable components: `encoder_unavailable` or `vectors_unavailable` (keyword search only; answers carry a note),
             *     `llm_unavailable` (answers are quoted, not generated).
             */
            degraded: components["schemas"]["Degradation"][];
            /** @description Id of the encoder. */
            encoder: string;
            /** @description Indexing error, if any. Operators only. */
            error?: string | null;
            /** @description Whether this process is the leader. */
            leads: boolean;
            /** @description Version of the reader; `null` if the reader is disabled and search scores alone decide. */
            reader?: string | null;
            /** @description Whether questions can be answered from everything that is stored. */
            ready: boolean;
            /** @description Operators only; empty for other callers. */
            workspaces: components["schemas"]["WorkspaceReadiness"][];
        };
        /**
         * @description Refused: `no_evidence` (nothing was found), `weak_evidence` (confidence below the threshold), `no_supported_sentence` (no sentence passed verification), `similar_only` (the knowledge base covers only a similar item, not the one asked about), `deadline` (time budget exceeded). Handoff: `conflicting_evidence` (two passages contradict each other), `asked_for_person`. Clarify: `ambiguous`. Answered: `greeting`, `thanks`, `goodbye`.
         * @enum {string}
         */
        Reason: "no_evidence" | "weak_evidence" | "no_supported_sentence" | "similar_only" | "deadline" | "conflicting_evidence" | "asked_for_person" | "ambiguous" | "greeting" | "thanks" | "goodbye";
        /** @description A passage. */
        RecordBody: {
            /** @description The title and the headings in one line, an empty line, and the passage. */
            content: string;
            /** @description Properties of the passage; strings and numbers only. */
            metadata: components["schemas"]["RecordMetadata"];
            /**
             * Format: float
             * @description The estimated probability that the passage answers the query, 0 to 1. The reader estimates it for the first
             *     passages. Any other passage has the probability that the whole evidence answers, by search scores, times its share
             *     of the best search score. An FAQ with exactly this question has 1.
             */
            score: number;
            /** @description The document's title. */
            title: string;
        };
        /** @description Properties of a passage. Conditions use the same names, except for `chunk_id`, `document_version` and `page`. */
        RecordMetadata: {
            /** @description The passage's id. */
            chunk_id: string;
            /** @description The document's id. */
            document_id: string;
            /**
             * Format: int64
             * @description The version of the document, from 1.
             */
            document_version: number;
            /** @description `article`, `faq` or `case`. */
            kind: components["schemas"]["DocumentKind"];
            /** @description BCP 47; omitted if unknown. */
            language?: string | null;
            /**
             * Format: int32
             * @description The page or slide where the passage begins, from 1; omitted if the source has no pages.
             */
            page?: number | null;
            /** @description The document's own address, or its id if it has none. */
            path: string;
            /** @description The document's tags, separated by commas. */
            tags: string;
            /** @description The document's title. */
            title: string;
            /** @description When the document was last written (RFC 3339). */
            updated_at: string;
            /** @description The document's own address; omitted if it has none. */
            uri?: string | null;
        };
        /** @description The reply to a question. */
        RecordedAnswer: {
            /** @description Citations of the sentences, in order of use. */
            citations: components["schemas"]["RecordedCitation"][];
            /**
             * Format: float
             * @description Estimated probability that the evidence answers the question, 0 to 1.
             */
            confidence: number;
            /** @description Id of the conversation, if it is part of one. */
            conversation_id?: string | null;
            /** @description The answer's id. */
            id: string;
            /** @description The reply's language (BCP 47). */
            language: string;
            /** @description Limitations of the answer, and components that were unavailable. */
            notes?: components["schemas"]["Note"][];
            /** @description The outcome. */
            outcome: components["schemas"]["Outcome"];
            reason?: components["schemas"]["Reason"] | null;
            /**
             * Format: int64
             * @description Lowest revision among the indexes that were searched.
             */
            revision: number;
            /** @description The sentences that cite the knowledge base, in order. */
            sentences: components["schemas"]["RecordedSentence"][];
            /** @description How the text was produced. */
            strategy: components["schemas"]["Strategy"];
            /** @description Questions that the customer can choose from. */
            suggestions: string[];
            /** @description The whole reply. */
            text: string;
            /** @description How long each stage took. */
            timings_ms: components["schemas"]["RecordedTimings"];
        };
        /** @description A span of a document version and the quotation found there: `text[start..end] == quote`, in bytes. */
        RecordedCitation: {
            /** @description The passage that is quoted. */
            chunk_id: string;
            /** @description The document that is quoted. */
            document_id: components["schemas"]["DocumentId"];
            /**
             * Format: int64
             * @description The version of it that is quoted, from 1.
             */
            document_version: number;
            /** @description Where the quote ends in the document's text, in bytes, exclusive. */
            end: number;
            /** @description The headings above the passage, outermost first. */
            heading_path: string[];
            /** @description Links within the quote. */
            links?: components["schemas"]["RecordedLink"][];
            /** @description From 1, in order of use. */
            number: number;
            /**
             * Format: int32
             * @description Page or slide where the quote begins, from 1, if the source has pages.
             */
            page?: number | null;
            /** @description The quoted text. */
            quote: string;
            /** @description Where the quote begins in the document's text, in bytes. */
            start: number;
            /** @description The document's title. */
            title: string;
            /** @description The document's own address, if it has one. */
            uri?: string | null;
        };
        /** @description A link: its text and an http, https, mailto or tel URI. */
        RecordedLink: {
            /** @description End of the link text in the document, in bytes, exclusive. */
            end: number;
            /** @description Byte offset of the link text in the document. */
            start: number;
            /** @description The link text. */
            text: string;
            /** @description The address of the link. */
            uri: string;
        };
        /** @description Request parameters besides the question, as recorded. */
        RecordedRequest: {
            /**
             * Format: date-time
             * @description The time that the question refers to, if given.
             * @default null
             */
            as_of?: string | null;
            /**
             * @description Everything that the asker is.
             * @default []
             */
            audience?: string[];
            /** @default null */
            ceiling?: components["schemas"]["Strategy"] | null;
            /**
             * @description The channel that was given.
             * @default null
             */
            channel?: string | null;
            /**
             * @description The customer's id that was given.
             * @default null
             */
            customer_id?: string | null;
            /**
             * @description The earlier messages that were used, without those of another conversation.
             * @default []
             */
            history?: components["schemas"]["Utterance"][];
            /**
             * @description The reply's language that was asked for (BCP 47).
             * @default null
             */
            language?: string | null;
            /** @default null */
            level?: components["schemas"]["Level"] | null;
            /**
             * @description How many passages could serve as evidence.
             * @default 0
             */
            limit?: number;
            /**
             * @description The tags that documents had to have.
             * @default []
             */
            tags?: string[];
        };
        /** @description A sentence of an answer with the numbers of its citations. */
        RecordedSentence: {
            /** @description Numbers of the citations that support it, from 1. */
            citations: number[];
            /** @description The original sentence. */
            text: string;
        };
        /** @description Milliseconds spent by stage. `keyword` and `vector` run in parallel, so `total` is less than the sum. */
        RecordedTimings: {
            /**
             * Format: double
             * @description Deciding whether to answer, in milliseconds.
             * @default 0
             */
            admit?: number;
            /**
             * Format: double
             * @description Choosing and verifying the sentences, in milliseconds.
             * @default 0
             */
            compose?: number;
            /**
             * Format: double
             * @description Encoding the question, in milliseconds.
             * @default 0
             */
            embed?: number;
            /**
             * Format: double
             * @description Merging both result lists, in milliseconds.
             * @default 0
             */
            fuse?: number;
            /**
             * Format: double
             * @description Text generation by a language model, in milliseconds.
             * @default 0
             */
            generate?: number;
            /**
             * Format: double
             * @description Keyword search, in milliseconds.
             * @default 0
             */
            keyword?: number;
            /**
             * Format: double
             * @description Loading the evidence from the store, in milliseconds.
             * @default 0
             */
            load?: number;
            /**
             * Format: double
             * @description Scoring the best passages with the reader model, in milliseconds.
             * @default 0
             */
            read?: number;
            /**
             * Format: double
             * @description From the request to the reply, in milliseconds.
             * @default 0
             */
            total?: number;
            /**
             * Format: double
             * @description Vector search, in milliseconds.
             * @default 0
             */
            vector?: number;
        };
        /** @description A sentence that is not sent. */
        RejectedSentence: components["schemas"]["SentenceFault"] & {
            /** @description The sentence. */
            text: string;
        };
        /** @description A bin of confidence: the questions whose confidence is in it. */
        ReliabilityBin: {
            /**
             * Format: double
             * @description The least confidence, inclusive.
             */
            from: number;
            /**
             * Format: double
             * @description The mean of their confidence; 0 without questions.
             */
            mean_confidence: number;
            /** @description How many questions are in it. */
            n_questions: number;
            /**
             * Format: double
             * @description The share of them that is answerable; 0 without questions.
             */
            share_answerable: number;
            /**
             * Format: double
             * @description The greatest confidence, exclusive but for the last bin.
             */
            to: number;
        };
        /**
         * @description The text for the channel: Markdown for `web` and `app`, speech for `phone` and `voice`, plain text for others. Split
         *     into messages of at most 70 UTF-16 units for `sms` (numbered), 5,000 for `line`, 4,096 for `whatsapp` and `telegram`,
         *     2,000 for `messenger`.
         */
        RenderedBody: {
            /** @description `plain`, `markdown` or `speech`. */
            format: components["schemas"]["AnswerFormat"];
            /** @description In sending order. */
            messages: string[];
        };
        /**
         * @description `bot`, `human`, or `none`: nobody answers.
         * @enum {string}
         */
        Responder: "bot" | "human" | "none";
        /**
         * @description To people: `agent_spoke`, `taken_over`, `customer_asked` (for a person), `not_answered` (the bot may not answer), `bot_failed`. To the bot: `resolved`, `returned` (by an agent), `customer_returned`, `idle`. To nobody: `erased`.
         * @enum {string}
         */
        ResponderReason: "agent_spoke" | "taken_over" | "customer_asked" | "not_answered" | "bot_failed" | "resolved" | "returned" | "customer_returned" | "idle" | "erased";
        /** @description A search of Dify. Fields that are not listed are accepted and ignored. */
        RetrievalRequest: {
            /**
             * @description The workspace, or `WORKSPACE:TAG` for its documents with a tag. It has to be the workspace of the key; an
             *     operator's key may name any.
             */
            knowledge_id: string;
            metadata_condition?: components["schemas"]["MetadataCondition"] | null;
            /** @description The question, 1 to 2,000 characters. */
            query: string;
            /** @description How many passages, and how certain. */
            retrieval_setting?: components["schemas"]["RetrievalSetting"];
        };
        /** @description The passages found. */
        RetrievalResponse: {
            /** @description The highest score first. */
            records: components["schemas"]["RecordBody"][];
        };
        /** @description How many passages, and how certain. */
        RetrievalSetting: {
            /**
             * Format: float
             * @description The lowest score of a record, 0 to 1. Default 0.
             */
            score_threshold?: number | null;
            /**
             * Format: int64
             * @description The maximum number of records, 1 to 100. Default 4.
             */
            top_k?: number | null;
        };
        /** @description An issue for manual review. */
        Review: {
            /** @description The finding in words. */
            detail: string;
            /** @description The documents it is about. */
            document_ids: string[];
            /** @description Derived from the pair of document versions, so the same issue is opened only once. */
            id: string;
            /** @description `conflict` or `failing_evidence`. */
            kind: components["schemas"]["ReviewKind"];
        };
        /**
         * @description `conflict`: two documents contradict each other and no rule decides. `failing_evidence`: answers that cite the document were rated as wrong too often.
         * @enum {string}
         */
        ReviewKind: "conflict" | "failing_evidence";
        /** @description Effect of a decision. */
        ReviewedDraft: {
            /** @description The draft after the decision. */
            draft: components["schemas"]["Draft"];
            /**
             * Format: int64
             * @description Revision of the written document, if any.
             */
            revision?: number | null;
        };
        /** @description The reviews that are open. */
        ReviewsResponse: {
            /** @description Pass as `after` to get the next page; null on the last page. */
            next?: string | null;
            /** @description Newest first. */
            reviews: components["schemas"]["Review"][];
        };
        /**
         * @description `ask`: ask, search, give feedback. `read`, `write`: knowledge. `cases`: submit and read cases. `review`: review drafts. `serve`: conversations and customers. `manage`: keys, settings, inboxes, experiments and the audit log. `operate`: all workspaces.
         * @enum {string}
         */
        Right: "ask" | "read" | "write" | "cases" | "review" | "serve" | "manage" | "operate";
        /** @description The settings and the knowledge that a run is asked with. */
        RunSettings: {
            /** @description The level of the workspace, or that of the service if the workspace has none. */
            level: components["schemas"]["Level"];
            /**
             * Format: float
             * @description The least confidence for an answer, in [0, 1]. It is that of `level`, unless the configuration or learning sets
             *     another one.
             */
            min_confidence: number;
            /** @description How many questions it asks. */
            n_questions: number;
            /** @description The revision of the knowledge when the run was requested. */
            revision: components["schemas"]["i64"];
        };
        /** @description The totals of a run. */
        RunTotals: {
            /** @description What each level does, strictest first. */
            by_level: components["schemas"]["LevelCounts"][];
            /**
             * Format: double
             * @description The expected calibration error of confidence, in [0, 1].
             */
            calibration_error: number;
            /** @description How many questions are answerable, by judgement. */
            n_answerable: number;
            /** @description How many questions were asked. */
            n_asked: number;
            /** @description How many answers meet all expectations. */
            n_met: number;
            /** @description How many questions must not be answered, by judgement. */
            n_unanswerable: number;
            /**
             * @description Ids of the questions that were met in the previous run and are not met in this one. Only questions with unchanged
             *     expectations are compared.
             */
            newly_broken: string[];
            /** @description Ids of the questions that were not met in the previous run and are met in this one. */
            newly_met: string[];
            /** @description The finished run before this one; null for the first. */
            previous_id?: string | null;
        };
        /** @description A group of similar questions with poor results. */
        Scene: {
            /** @description The counts of its questions. */
            counts: components["schemas"]["AnswerCounts"];
            /** @description Unresolved questions, at most five. */
            evidence: string[];
            /** @description Channel, tag or intent, for example `channel line`. */
            scene: string;
            /**
             * Format: double
             * @description Overall resolution rate.
             */
            usual: number;
        };
        /** @description Scenes that are resolved less often than the rest. */
        ScenesResponse: {
            /**
             * @description Largest loss first. Each has `scene` (`channel …`, `tag …`, `intent …`), `counts`, the `usual` resolution rate,
             *     and `evidence`: unresolved questions.
             */
            scenes: components["schemas"]["Scene"][];
        };
        /**
         * @description `hybrid`: keyword and vector search together. `keyword`: keyword search only. `vector`: vector search only.
         * @enum {string}
         */
        SearchMode: "hybrid" | "keyword" | "vector";
        /** @description A search. */
        SearchRequest: {
            /**
             * Format: date-time
             * @description The time that the question refers to. Default: now.
             */
            as_of?: string | null;
            audience?: components["schemas"]["OneOrMany"] | null;
            /** @description The channel that the question comes from, as `web`. */
            channel?: string | null;
            /** @description Only these documents. */
            document_ids?: string[];
            /** @description Add rank and score per leg to each hit, and the weighted query terms. */
            explain?: boolean;
            /** @description Explain why this document was or was not found. */
            explain_document?: string | null;
            /** @description `article`, `faq`, `case`. */
            kinds?: components["schemas"]["DocumentKind"][];
            /** @description Only documents in one of these languages (BCP 47, as stored). */
            languages?: string[];
            /** @description 1 to 100. */
            limit?: number;
            /** @description `hybrid` (default), `keyword` or `vector`. */
            mode?: components["schemas"]["SearchMode"];
            /** @description 1 to 2,000 characters. */
            question: string;
            /** @description Only documents with all of these tags. */
            tags?: string[];
        };
        /** @description Search results. */
        SearchResponse: {
            degraded?: components["schemas"]["Degradation"] | null;
            document?: components["schemas"]["DocumentExplanationBody"] | null;
            /** @description Best first. */
            hits: components["schemas"]["HitBody"][];
            /**
             * Format: int64
             * @description The lowest revision that the indexes held when they were searched.
             */
            revision: number;
            /** @description The question's terms; with `explain` only. */
            terms?: components["schemas"]["TermBody"][] | null;
            /** @description How long each stage took. */
            timings_ms: components["schemas"]["TimingsBody"];
        };
        /**
         * @description `listed`: it is among the hits. `outranked`: other documents score higher. `no_match`: it shares no word with the question. `filtered`: it does not meet a filter. `not_indexed`: the indexes do not have it yet. `no_such_document`: the workspace has no document with this id.
         * @enum {string}
         */
        SearchVerdict: "listed" | "outranked" | "no_match" | "filtered" | "not_indexed" | "no_such_document";
        /**
         * @description `shadow`: answers are made, kept and compared with those of agents, and not sent. `live`: confident answers are sent.
         * @enum {string}
         */
        SendMode: "shadow" | "live";
        /** @description A customer as the channel knows them: `user_id`, `token`, or both. */
        SenderBody: {
            /**
             * @description An address that the customer typed. It is suggested to agents and links nothing.
             * @default null
             */
            email?: string | null;
            /**
             * @description Name, at most 128 characters.
             * @default null
             */
            name?: string | null;
            /**
             * @description A number that the customer typed, with its country code. It is suggested to agents and links nothing.
             * @default null
             */
            phone?: string | null;
            /**
             * @description A token that the company signed for somebody who is signed in: a JSON Web Token (HS256 or ES256) with `sub`, `iat`,
             *     `exp` (at most an hour later) and optionally `name`, `email` and `phone`, which the company has verified.
             * @default null
             */
            token?: string | null;
            /**
             * @description The channel's id of the person, 1 to 256 bytes; of a call, the caller's number.
             * @default null
             */
            user_id?: string | null;
        };
        /** @description A sentence of an answer. */
        SentenceBody: {
            /** @description Citation numbers. */
            citations: number[];
            /** @description The sentence. */
            text: string;
        };
        /** @description Why a sentence is not sent. */
        SentenceFault: {
            /** @enum {string} */
            why: "citation";
        } | {
            /** @enum {string} */
            why: "not_quoted";
        } | {
            /** @enum {string} */
            why: "markup";
        } | {
            /** @enum {string} */
            why: "to_machines";
        } | {
            /** @description A web or mail address or a phone number that the evidence does not have. */
            detail: string;
            /** @enum {string} */
            why: "address";
        } | {
            /** @description A number, or a number with another unit. */
            detail: string;
            /** @enum {string} */
            why: "figure";
        } | {
            /** @description A name that the evidence does not have. */
            detail: string;
            /** @enum {string} */
            why: "name";
        } | {
            /** @description A word on which it depends what is promised. */
            detail: string;
            /** @enum {string} */
            why: "decision";
        } | {
            /** @description The sentence attributes a fact to another item than the evidence does. */
            detail: string;
            /** @enum {string} */
            why: "other_thing";
        } | {
            /** @description The sentence negates a statement of the evidence, or the reverse. */
            detail: string;
            /** @enum {string} */
            why: "denial";
        } | {
            /** @description It contradicts the evidence. */
            detail: string;
            /** @enum {string} */
            why: "opposed";
        } | {
            /** @description It leaves out what it depends on. */
            detail: string;
            /** @enum {string} */
            why: "condition";
        } | {
            /**
             * Format: float
             * @description Share of the sentence that the evidence supports; it is below the minimum.
             */
            detail: number;
            /** @enum {string} */
            why: "unlike";
        };
        /** @description The caller, and how to sign in. */
        SessionResponse: {
            /** @description The caller in the audit log: the name with the key's id, or with `oidc`. */
            actor?: string | null;
            /** @description The ways to sign in. */
            methods: components["schemas"]["SignInMethod"][];
            /**
             * Format: int64
             * @description Number of sessions of the same key or person, this one included.
             */
            n_sessions: number;
            /** @description Name of the key or of the person; null if not signed in. */
            name?: string | null;
            /**
             * @description Whether callers have to sign in. `false` while no key exists and no provider is configured: every caller is an
             *     operator then.
             */
            needs_sign_in: boolean;
            /** @description Rights of the role. */
            rights: components["schemas"]["Right"][];
            role?: components["schemas"]["KeyRole"] | null;
            /** @description Whether the request has a valid session or key. */
            signed_in: boolean;
            workspace?: components["schemas"]["WorkspaceId"] | null;
        };
        /** @description One setting. */
        SettingBody: {
            /** @description The default, like `value`. */
            default?: string | null;
            /** @description What it does, with its unit and default. */
            effect: string;
            /** @description Whether the value differs from the default. */
            is_changed: boolean;
            /** @description Whether the value is a secret. */
            is_secret: boolean;
            /** @description Section and name in the settings file, as `http.listen`. */
            key: string;
            /**
             * @description The value in effect: a text, or JSON for numbers, switches and lists; null if it is not set. A secret is `set`;
             *     addresses are shown without their password.
             */
            value?: string | null;
            /** @description The environment variable that sets it; null if only the file can. */
            variable?: string | null;
        };
        /** @description Settings of a workspace. */
        Settings: {
            learning?: components["schemas"]["LearningRules"] | null;
            level?: components["schemas"]["Level"] | null;
            /**
             * @description Personal data patterns in addition to the built-in ones: `[{ "kind", "pattern" }]`, applied to new data only.
             *     Unchanged if omitted.
             */
            redaction?: components["schemas"]["CustomPattern"][] | null;
        };
        /**
         * @description `fine`: no problem. `warning`: it works, but may fail later. `fault`: it does not work.
         * @enum {string}
         */
        Severity: "fine" | "warning" | "fault";
        /** @description An answer in the shadow and an agent's. */
        ShadowPair: {
            /** @description What the agent said. */
            agent_said: string;
            /** @description Its answer, for `GET /v1/answers/{id}`. */
            answer_id?: string | null;
            /**
             * Format: date-time
             * @description When the bot would have answered.
             */
            at: string;
            conflict?: components["schemas"]["Conflict"] | null;
            /** @description Their conversation. */
            conversation_id: components["schemas"]["ConversationId"];
            /** @description Whether both have the same figures. */
            has_same_figures: boolean;
            /** @description Figures of the agent that the bot does not have. */
            missing_figures: string[];
            /** @description Figures of the bot that the agent does not have. */
            other_figures: string[];
            /** @description What the customer wrote. */
            question: string;
            /**
             * Format: float
             * @description The cosine of both texts, in [-1, 1].
             */
            similarity: number;
            /** @description What the bot would have sent. */
            would_send: string;
        };
        /** @description What the bot would have sent in a period, beside what agents said. */
        ShadowReport: {
            /**
             * Format: double
             * @description The mean cosine of the compared texts; null if there are none.
             */
            mean_similarity?: number | null;
            /** @description How many answers were made in the shadow; at most 500, the newest. */
            n_answers: number;
            /** @description Of those that would have been sent: to how many an agent wrote too. */
            n_compared: number;
            /** @description Of the compared: how many contradict the agent. */
            n_conflicting: number;
            /** @description Of the compared: how many have the same figures. */
            n_same_figures: number;
            /** @description How many would have been handed off to people. */
            n_would_hand_off: number;
            /** @description How many of them would have been sent. */
            n_would_send: number;
            /**
             * @description The compared answers, the least alike first: those that contradict the agent, those with other figures, then by
             *     similarity.
             */
            pairs: components["schemas"]["ShadowPair"][];
        };
        /**
         * @description `key`: `POST /v1/session`. `oidc`: open `/v1/session/oidc` in the browser.
         * @enum {string}
         */
        SignInMethod: "key" | "oidc";
        /** @description A sign-in by key. */
        SignInRequest: {
            /** @description The key, `ken_…`. */
            key: string;
        };
        /** @description The sessions that were ended. */
        SignedOut: {
            /**
             * Format: int64
             * @description Number of ended sessions.
             */
            n_ended: number;
        };
        /** @description A stored passage whose question is near a row's. */
        SimilarQuestion: {
            conflict?: components["schemas"]["Conflict"] | null;
            /** @description The stored document. */
            document_id: components["schemas"]["DocumentId"];
            /**
             * Format: float
             * @description Cosine similarity of the questions.
             */
            similarity: number;
        };
        /** @description The text of a version, to edit it. */
        SourceResponse: {
            /** @description The format of `text`, for `PUT /v1/documents/{id}`. */
            format: components["schemas"]["TextFormat"];
            /** @description Whether `text` is the extracted text, because the document was read from another format, such as PDF or DOCX. */
            is_extracted: boolean;
            /** @description As it was submitted, without front matter, whose values are fields of the document. */
            text: string;
            /**
             * Format: int64
             * @description The version, from 1.
             */
            version: number;
        };
        /**
         * @description `standard`: an FAQ's own answer. `extractive`: sentences quoted from documents. `generated`: text generated by a language model from documents and verified against them. `none`: nothing from the knowledge base.
         * @enum {string}
         */
        Strategy: "standard" | "extractive" | "generated" | "none";
        /**
         * @description The highest strategy that a request allows.
         * @enum {string}
         */
        StrategyName: "standard" | "extractive" | "generated";
        /** @description Options of the stream. */
        StreamOptions: {
            /** @description Send one more chunk with `usage` and without choices before the end. Default false. */
            include_usage?: boolean | null;
        };
        /** @description Result for one case. */
        SubmittedCaseBody: {
            /** @description `added`, `changed` or `unchanged`. */
            effect: components["schemas"]["CaseEffect"];
            /** @description The case's id. */
            id: string;
            /** @description Number of redacted personal data items. */
            n_redacted: number;
        };
        /** @description A document without its text. */
        SummaryBody: {
            /** @description The audiences; everyone, if empty. */
            audience: string[];
            /** @description The channels that show it; all, if empty. */
            channels: string[];
            /** @description The document's id. */
            id: string;
            /** @description `article`, `faq` or `case`. */
            kind: components["schemas"]["DocumentKind"];
            /** @description The document's language (BCP 47). */
            language?: string | null;
            /**
             * Format: int64
             * @description Precedence in contradictions: the document of higher rank wins.
             */
            rank: number;
            /** @description Ids of related documents. */
            related: string[];
            /**
             * Format: date-time
             * @description When a person should check it.
             */
            review_by?: string | null;
            /** @description `draft`, `published` or `archived`. */
            status: components["schemas"]["DocumentStatus"];
            /** @description The document's tags. */
            tags: string[];
            /** @description The document's title. */
            title: string;
            /**
             * Format: date-time
             * @description When the live version was written.
             */
            updated_at: string;
            /** @description The document's own address, if it has one. */
            uri?: string | null;
            /**
             * Format: date-time
             * @description From when it is valid; from the beginning, if null.
             */
            valid_from?: string | null;
            /**
             * Format: date-time
             * @description Until when it is valid, exclusive; for ever, if null.
             */
            valid_until?: string | null;
            /**
             * Format: int64
             * @description The live version, from 1.
             */
            version: number;
        };
        /** @description Synonym groups, used to expand questions. */
        SynonymsRequest: {
            /**
             * @description 0 to 10,000 groups of 2 to 50 words or phrases, each 1 to 100 characters. Matching ignores Chinese script, width and
             *     case. Replaces all existing groups.
             */
            groups: string[][];
        };
        /** @description The workspace's own synonyms. */
        SynonymsResponse: {
            /** @description Groups of words or phrases that mean the same. */
            groups: string[][];
            /**
             * Format: int64
             * @description Incremented with every replacement; 0 if never set.
             */
            version: number;
        };
        /** @description A term of the question. */
        TermBody: {
            /** @description Forms searched for: the term, synonyms, homophones and near spellings. */
            forms: components["schemas"]["FormBody"][];
            /** @description The term, as it is in the index. */
            term: string;
            /**
             * Format: float
             * @description Inverse document frequency in this workspace.
             */
            weight: number;
        };
        /**
         * @description Format of a text that people write.
         * @enum {string}
         */
        TextFormat: "markdown" | "plain" | "html";
        /** @description An event with the message that it is about. */
        TimelineEntry: components["schemas"]["DeskEvent"] & {
            message?: components["schemas"]["Message"] | null;
        };
        /** @description A page of a customer's timeline. */
        TimelineResponse: {
            /** @description Newest first. */
            entries: components["schemas"]["TimelineEntry"][];
            /** @description Pass as `after` to get the next page; null on the last page. */
            next?: string | null;
        };
        /** @description Milliseconds per stage; `keyword` and `embed` run in parallel. */
        TimingsBody: {
            /**
             * Format: double
             * @description Deciding whether to answer.
             */
            admit: number;
            /**
             * Format: double
             * @description Choosing and verifying the sentences.
             */
            compose: number;
            /**
             * Format: double
             * @description Encoding the question.
             */
            embed: number;
            /**
             * Format: double
             * @description Merging both result lists.
             */
            fuse: number;
            /**
             * Format: double
             * @description A language model's wording.
             */
            generate: number;
            /**
             * Format: double
             * @description Keyword search.
             */
            keyword: number;
            /**
             * Format: double
             * @description Loading the evidence from the store.
             */
            load: number;
            /**
             * Format: double
             * @description Scoring the best passages with the reader model.
             */
            read: number;
            /**
             * Format: double
             * @description From the request to the reply.
             */
            total: number;
            /**
             * Format: double
             * @description Vector search.
             */
            vector: number;
        };
        /** @description A page of one level of the tree. */
        TreeResponse: {
            /** @description The documents of this page, ordered by id. */
            documents: components["schemas"]["ListedDocument"][];
            /** @description The folders of this page, ordered by prefix. Folders and documents share the order of the pages. */
            folders: components["schemas"]["FolderBody"][];
            /** @description Pass as `after` to get the next page; null on the last page. */
            next?: string | null;
            /** @description The folder that was read; empty for the highest level. */
            prefix: string;
            /**
             * Format: int64
             * @description The workspace's newest revision when it was read.
             */
            revision: number;
        };
        /** @description Result of `:trust`. */
        TrustResponse: {
            /** @description The document's id. */
            document_id: string;
            /** @description Whether answers did not use a version of it before and use it again now. */
            trusted: boolean;
        };
        /** @description Pipeline settings of a workspace; empty fields fall back to those of the service. */
        Tuning: {
            /**
             * Format: float
             * @description Weights of keyword match and term proximity, 0 to 1, sum below 1. Set both or neither.
             * @default null
             */
            keyword_share?: number | null;
            /**
             * Format: float
             * @description Minimum confidence to answer, 0 to 1.
             * @default null
             */
            min_confidence?: number | null;
            /**
             * Format: float
             * @description Weight of term proximity, 0 to 1.
             * @default null
             */
            proximity_share?: number | null;
        };
        /** @description The settings that a workspace has learned. */
        TuningResponse: {
            /** @description Whether tuning is running in the process that handles this request. */
            is_learning: boolean;
            last_failed?: components["schemas"]["LearningFailure"] | null;
            last_learned?: components["schemas"]["LearnedTuning"] | null;
            /** @description Number of earlier settings available for rollback. */
            n_earlier: number;
            /** @description Settings that override those of the service; empty fields fall back to them. */
            tuning: components["schemas"]["Tuning"];
        };
        /** @description A question and its answer. */
        TurnBody: {
            /** @description The answer's id. */
            answer_id: string;
            /**
             * Format: date-time
             * @description When it was answered.
             */
            at: string;
            /** @description The citations. */
            citations: components["schemas"]["CitationBody"][];
            /** @description `answered`, `clarify`, `refused` or `handoff`. */
            outcome: components["schemas"]["Outcome"];
            /** @description The original question. */
            question: string;
            reason?: components["schemas"]["Reason"] | null;
            /** @description The whole reply. */
            text: string;
        };
        /** @description Counts of questions that must not be answered. */
        UnanswerableCounts: {
            /** @description How many are answered. */
            n_answered: number;
            /** @description How many are not answered. */
            n_refused: number;
        };
        /** @description An undo that a job checks against the judged questions, then writes. */
        UndoJobResponse: components["schemas"]["JobResponse"] & {
            /** @description What the undo will do. */
            report: components["schemas"]["UndoReport"];
        };
        /** @description What an undo did, or does if a job writes it. */
        UndoReport: {
            /** @description Whether it is written. */
            applied: boolean;
            /** @description The import that is undone. */
            import_id: string;
            /** @description How many FAQs are deleted because the import added them. */
            n_deleted: number;
            /** @description How many FAQs return to the version before. */
            n_restored: number;
            /**
             * Format: int64
             * @description Newest revision after the undo.
             */
            revision: number;
            /** @description The FAQs that were changed after the import and stay as they are; only with `partial`. */
            skipped: string[];
        };
        /** @description Options of an undo. */
        UndoRequest: {
            /**
             * @description See `PUT /v1/documents/{id}`.
             * @default false
             */
            background?: boolean;
            /**
             * @description Write even if judged questions break.
             * @default false
             */
            force?: boolean;
            /**
             * @description Undo the FAQs that were not changed after the import, and leave the others. Default: if one was changed, nothing
             *     is undone.
             * @default false
             */
            partial?: boolean;
        };
        /** @description The cited document, and the sentence that cites it. */
        UrlCitation: {
            /** @description Where the sentence ends in `content`, in characters, exclusive. */
            end_index: number;
            /** @description Where the sentence begins in `content`, in characters (Unicode code points). */
            start_index: number;
            /** @description The document's title. */
            title: string;
            /**
             * @description The document's own address. A document without one has its address in Ken's API if `http.public_url` is set, else
             *     `ken:documents/ID?version=N`.
             */
            url: string;
        };
        /** @description Estimated tokens: 1 for each Chinese, Japanese or Korean character, 1 for every 4 other characters, rounded up. */
        UsageBody: {
            /** @description Of `content`. */
            completion_tokens: number;
            /** @description Of the question and the history that was used. */
            prompt_tokens: number;
            /** @description The sum of both. */
            total_tokens: number;
        };
        /**
         * @description Usage figures of a document for editors.
         * @enum {string}
         */
        UsageFlag: "unused" | "stale" | "disliked" | "distrusted";
        /** @description Usage of the documents. */
        UsageResponse: {
            /**
             * @description Most disliked first, then most cited. Each published document has `document_id`, `title`, `cited`, `liked`,
             *     `disliked`, and `flags` among `unused`, `stale`, `disliked`, `distrusted`.
             */
            documents: components["schemas"]["DocumentUsage"][];
            /** @description Pass as `after` to get the next page; null on the last page. */
            next?: string | null;
        };
        /** @description An earlier message of the conversation. */
        Utterance: {
            /** @description The speaker. */
            role: components["schemas"]["UtteranceRole"];
            /** @description The text, at most 2,000 characters. */
            text: string;
        };
        /**
         * @description `user`: the customer. `agent`: the bot or the person who answers.
         * @enum {string}
         */
        UtteranceRole: "user" | "agent";
        /** @description Numbers, or little-endian 32-bit floats in base64. */
        VectorBody: number[] | string;
        /**
         * @description `provider`: by the channel's platform. `signed_token`: by a token that the company signed. `otp`: by a one-time password. `dkim`: by the signature of a mail. `agent`: by an agent.
         * @enum {string}
         */
        VerifiedBy: "provider" | "signed_token" | "otp" | "dkim" | "agent";
        /** @description A version of a document, without its text. */
        VersionBody: {
            /**
             * Format: date-time
             * @description When it was written.
             */
            created_at: string;
            /** @description Whether this version is live. */
            live: boolean;
            original?: components["schemas"]["OriginalBody"] | null;
            /**
             * Format: date-time
             * @description Scheduled publication time, if any.
             */
            publish_at?: string | null;
            /** @description Status of this version. */
            status: components["schemas"]["DocumentStatus"];
            /** @description The version's title. */
            title: string;
            /**
             * Format: int64
             * @description The version's number, from 1.
             */
            version: number;
        };
        /** @description The versions of a document. */
        VersionsResponse: {
            /** @description Oldest first. */
            versions: components["schemas"]["VersionBody"][];
        };
        /** @description What to replay; of other actions, nothing. */
        WebhookActionRequest: {
            /** @description Of `:replay`: this event. */
            event_id?: string | null;
            /**
             * Format: date-time
             * @description Of `:replay` without `event_id`: all events since then that failed. Default: of the last 3 days.
             */
            since?: string | null;
        };
        /** @description What an action did. */
        WebhookActionResponse: components["schemas"]["WebhookEndpoint"] & {
            /** @description Of `:test`: the event's id, to look it up among the endpoint's events. */
            event_id?: string | null;
            /**
             * Format: int64
             * @description Of `:replay`: how many events are sent again.
             */
            n_events?: number | null;
            /** @description Of `:rotate-secret`: the new secret, shown this once. The one before it signs too for 24 hours. */
            secret?: string | null;
        };
        /** @description An address that is sent what happens. */
        WebhookEndpoint: {
            /**
             * Format: date-time
             * @description When it was added. What happened before is not sent.
             */
            created_at: string;
            disabled_reason?: components["schemas"]["DisabledReason"] | null;
            /** @description Chosen by the caller: 1 to 64 of `a-z`, `0-9`, `-` and `_`. */
            id: string;
            /** @description Whether it is sent at all. */
            is_enabled: boolean;
            /**
             * Format: date-time
             * @description Until when what is sent is also signed with the secret before the present one; null if there is none.
             */
            previous_secret_until?: string | null;
            /** @description What is sent. */
            types: components["schemas"]["WebhookType"][];
            /** @description Where it is sent. */
            url: string;
        };
        /** @description An event for an endpoint. */
        WebhookEvent: {
            /**
             * Format: int64
             * @description How often it was tried.
             */
            attempt: number;
            /** @description The body as it is sent: JSON. */
            body: string;
            /**
             * Format: date-time
             * @description When it was recorded.
             */
            created_at: string;
            /** @description The endpoint. */
            endpoint_id: string;
            /** @description Its id, the same in every attempt: the header `webhook-id`. */
            id: string;
            /**
             * @description What the last attempt came to: `status_500`, `timeout`, `unreachable`, `forbidden_address`, `no_secret`; null if it was
             *     not tried.
             */
            last_result?: string | null;
            /**
             * Format: date-time
             * @description When it is tried next; null if it is not.
             */
            next_at?: string | null;
            /** @description Its state. */
            state: components["schemas"]["WebhookState"];
            /** @description What happened. */
            type: components["schemas"]["WebhookType"];
        };
        /** @description A page of an endpoint's events. */
        WebhookEventsResponse: {
            /** @description Newest first; those that were sent or failed are kept for 60 days. */
            events: components["schemas"]["WebhookEvent"][];
            /** @description Pass as `after` to get the next page; null on the last page. */
            next?: string | null;
        };
        /** @description An endpoint to add, or its new state. */
        WebhookRequest: {
            /** @description Whether anything is sent. Default true. To enable an endpoint that Ken disabled, put it again. */
            is_enabled?: boolean;
            /** @description What is sent, at least one. */
            types: components["schemas"]["WebhookType"][];
            /** @description Where events are sent: an https address, or http to a private network that `outbound.private_networks` names. */
            url: string;
        };
        /** @description An endpoint that was added or changed. */
        WebhookResponse: components["schemas"]["WebhookEndpoint"] & {
            /** @description The secret that signs, `whsec_…`; shown when it is made only. */
            secret?: string | null;
        };
        /**
         * @description `waiting`: for its first or next attempt. `sent`: the endpoint took it. `failed`: it is not tried again, unless it is replayed.
         * @enum {string}
         */
        WebhookState: "waiting" | "sent" | "failed";
        /**
         * @description What happened.
         * @enum {string}
         */
        WebhookType: "answer.created" | "conversation.created" | "conversation.handed_off" | "conversation.changed" | "draft.created" | "gap.created" | "webhook.test";
        /** @description The endpoints of a workspace. */
        WebhooksResponse: {
            /** @description Ordered by id. */
            webhooks: components["schemas"]["WebhookEndpoint"][];
        };
        /**
         * @description `upload`: reads uploaded files. `change`: checks the judged questions, then writes. `distil`: makes drafts of cases. `judged_run`: asks the judged questions.
         * @enum {string}
         */
        WorkKind: "upload" | "change" | "distil" | "judged_run";
        /** @description Payload of the job; a string, if it cannot be parsed. */
        WorkPayload: {
            breaking?: components["schemas"]["Breaking"] | null;
            /** @description The job that it belongs to; absent for `distil`, which takes all cases that wait. */
            job?: string | null;
        } | string;
        /** @description A workspace that was deleted. */
        WorkspaceDeleted: components["schemas"]["DeletedRows"] & {
            /** @description The workspace's name. */
            workspace: string;
        };
        /** @description A workspace's name: 1 to 64 of `a-z`, `0-9`, `-` and `_`. */
        WorkspaceId: string;
        /** @description How far a workspace's indexes are. */
        WorkspaceReadiness: {
            /**
             * Format: int64
             * @description Newest searchable revision.
             */
            indexed: number;
            /**
             * Format: int64
             * @description Newest stored revision.
             */
            revision: number;
            /**
             * Format: int64
             * @description Newest revision in the keyword index.
             */
            words: number;
            /** @description The workspace's name. */
            workspace: string;
        };
        /** @description A workspace. */
        WorkspaceSummary: {
            /** @description The workspace's name. */
            name: string;
            /**
             * Format: int64
             * @description The workspace's newest revision.
             */
            revision: number;
        };
        /** @description All workspaces. */
        WorkspacesResponse: {
            /** @description Ordered by name: `name` and newest `revision`. */
            workspaces: components["schemas"]["WorkspaceSummary"][];
        };
        /**
         * @description What a write did. `unchanged`: the content is equal to the live version. `scheduled`: a new version takes the live one's place later.
         * @enum {string}
         */
        WriteEffect: "added" | "changed" | "unchanged" | "scheduled" | "archived" | "deleted";
        /** @description The result of a write. */
        WriteResponse: {
            /** @description The document's id. */
            document_id: string;
            /** @description `added`, `changed`, `unchanged`, `scheduled`, `archived` or `deleted`. */
            effect: components["schemas"]["WriteEffect"];
            /** @description Whether the change is searchable; with `?wait=indexed` true unless indexing took longer than 20 s. */
            indexed: boolean;
            /**
             * Format: int64
             * @description Revision of the change, or the newest revision if nothing changed. The change is durable.
             */
            revision: number;
            /**
             * Format: int64
             * @description The version that is live now, or that is scheduled, from 1.
             */
            version: number;
        };
        /** Format: int64 */
        i64: number;
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    post_retrieval: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RetrievalRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetrievalResponse"];
                };
            };
            /** @description Invalid value, or 2001: the key has no such knowledge */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DifyErrorResponse"];
                };
            };
            /** @description 1001: no key as `Authorization: Bearer` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DifyErrorResponse"];
                };
            };
            /** @description 1002: the key is invalid or lacks the right */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DifyErrorResponse"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DifyErrorResponse"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DifyErrorResponse"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DifyErrorResponse"];
                };
            };
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DifyErrorResponse"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DifyErrorResponse"];
                };
            };
        };
    };
    healthz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
    listen_mcp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Messages of the session */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description No session is named */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The session has ended */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_mcp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description A message, at most 256 KiB */
        requestBody: {
            content: {
                "application/json": string;
            };
        };
        responses: {
            /** @description The reply, as an event or as JSON */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description Taken: it needs no reply */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not a message, or of an unknown version */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Addressed to a host, or sent from an origin, that the settings do not name */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The session has ended, or the method is unknown */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    end_mcp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It has ended */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description No session is named */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readyz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
        };
    };
    post_answer: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key returns the first answer */
                "Idempotency-Key"?: string | null;
                /** @description Default: the key's workspace, or `default` */
                "X-Ken-Workspace"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AnswerRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AnswerResponse"];
                    "text/event-stream": string;
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_answer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExplanationResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_attachment: {
        parameters: {
            query: {
                /** @description The file's name, 1 to 255 characters. */
                name: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description The file */
        requestBody: {
            content: {
                "application/octet-stream": string;
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Part"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_attachment: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description SHA-256 of its content, in hex */
                sha256: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file, with its type */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_audit: {
        parameters: {
            query?: {
                /** @description Only entries whose actor contains this text, in any case of letters. 1 to 200 characters. */
                actor?: string;
                /** @description Only entries whose action contains this text, such as `document.` or `key.revoke`. 1 to 200 characters. */
                action?: string;
                /** @description Only entries whose subject contains this text. 1 to 256 characters. */
                subject?: string;
                /** @description RFC 3339. Only entries from this time on. */
                from?: string;
                /** @description RFC 3339, exclusive. Only entries before this time. */
                to?: string;
                /** @description 1 to 1,000; default 100. */
                limit?: number;
                /** @description Return only entries with a smaller number: the last `number` of the previous page. */
                before?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    export_audit: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": string;
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_backups: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BackupsResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    start_backup: {
        parameters: {
            query?: {
                /** @description Also back up the vault, which holds personal data. */
                vault?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BackupAttemptBody"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description backup.dir is not set, the store is not SQLite, or a backup is running */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_cases: {
        parameters: {
            query?: {
                /** @description `distilled`: reply once the cases are distilled into drafts, after 10 s at most. */
                wait?: "distilled";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CasesRequest"];
                "application/x-ndjson": string;
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CasesResponse"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description All faults, by the index of the case */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_case: {
        parameters: {
            query?: {
                /** @description Restore redacted personal data that is still in the vault; recorded in the audit log. */
                reveal?: boolean;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CaseResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_case: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ItemChanged"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    send_chat_file: {
        parameters: {
            query: {
                /** @description Chosen by the browser, 1 to 64 bytes: what has the same id is stored once. */
                id: string;
                /** @description The file's name, 1 to 255 characters. */
                name: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description The file */
        requestBody: {
            content: {
                "application/octet-stream": string;
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatMessageResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_chat_file: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description SHA-256 of its content, in hex */
                sha256: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file, with its type */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_chat_completion: {
        parameters: {
            query?: never;
            header?: {
                /** @description Default: the key's workspace, or `default` */
                "X-Ken-Workspace"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChatCompletionRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatCompletionResponse"];
                    "text/event-stream": string;
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
        };
    };
    list_chat: {
        parameters: {
            query?: {
                /** @description `next` of the previous page. */
                after?: string;
                /** @description 1 to 200; default 100. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatListResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    write_chat: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChatMessageRequest"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatMessageResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    open_chat: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChatRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stream_chat: {
        parameters: {
            query?: {
                /** @description `next` of the previous page. */
                after?: string;
                /** @description 1 to 200; default 100. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Messages, until the client disconnects */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_config: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_conversations: {
        parameters: {
            query?: {
                /** @description Only conversations of this status. */
                status?: "open" | "pending" | "snoozed" | "resolved";
                /** @description Only conversations that the bot, people, or nobody answers. */
                responder?: "bot" | "human" | "none";
                /** @description Only conversations on this inbox. */
                inbox_id?: string;
                /** @description Only conversations that this agent has. */
                assignee?: string;
                /** @description Only conversations of this customer, on all inboxes: the id of any of the customer's identities. */
                customer_id?: string;
                /** @description `next` of the previous page. */
                after?: string;
                /** @description 1 to 200; default 100. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConversationListResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_conversation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConversationResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    act_in_conversation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id, then the action */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConversationActionRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActedResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_conversation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConversationDeleted"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_messages: {
        parameters: {
            query?: {
                /** @description `next` of the previous page. */
                after?: string;
                /** @description 1 to 200; default 100. */
                limit?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MessageListResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    write_message: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AgentMessageRequest"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActedResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The channel's window is closed, its inbox is disconnected, or the customer was erased */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_customers: {
        parameters: {
            query?: {
                /** @description Only customers with exactly this id, e-mail address or telephone number. */
                value?: string;
                /** @description `next` of the previous page. */
                after?: string;
                /** @description 1 to 200; default 100. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CustomerListResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_customer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CustomerResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    act_on_customer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id of an identity, then `:merge` or `:split` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CustomerActionRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CustomerResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    erase_customer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErasedResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    export_customer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CustomerExport"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_timeline: {
        parameters: {
            query?: {
                /** @description `next` of the previous page. */
                after?: string;
                /** @description 1 to 200; default 100. */
                limit?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TimelineResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_dead_letters: {
        parameters: {
            query?: {
                /** @description `cursor` of the last dead letter of the previous page. */
                after?: string;
                /** @description 1 to 1,000; default 100. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetterBody"][];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revive_dead_letter: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangedDeadLetter"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    discard_dead_letter: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangedDeadLetter"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_doctor: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DoctorResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A check is running */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_documents: {
        parameters: {
            query?: {
                /**
                 * @description Only documents whose title or id contains each of these words; case, width and Chinese script do not matter. 1 to 200
                 *     characters.
                 */
                q?: string;
                /** @description Only documents whose id begins with this. */
                prefix?: string;
                /** @description Only documents of this kind. */
                kind?: "article" | "faq" | "case";
                /** @description Only documents with this status. */
                status?: "draft" | "published" | "archived";
                /** @description Only documents with this tag. */
                tag?: string;
                /** @description Only documents whose audience has this name. */
                audience?: string;
                /** @description Only documents whose `valid_until` or `review_by` is before this time. */
                due_before?: string;
                /** @description Return only documents with a greater id, in the order of their bytes: `next` of the previous page. */
                after?: string;
                /** @description 1 to 1,000; default 100. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DocumentListResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_document: {
        parameters: {
            query?: {
                /** @description Default: the live version. */
                version?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    /** @description The version in quotes, for `If-Match` */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DocumentResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_document: {
        parameters: {
            query?: {
                /** @description `indexed`: reply once the change is searchable, after 20 s at most. */
                wait?: "indexed";
                /** @description Write even if judged questions break. */
                force?: boolean;
                /**
                 * @description Check the judged questions in a job and reply 202 immediately. Default: a job takes over if the check takes longer
                 *     than 10 s or a third of `http.timeout_ms`.
                 */
                background?: boolean;
            };
            header?: {
                /**
                 * @description Write only if this version is live, as in the `ETag` of a read: `"3"`, a list of them, or `*` for any. Otherwise
                 *     412.
                 */
                "If-Match"?: string | null;
                /** @description `*`: write only if the document does not exist. Otherwise 412. */
                "If-None-Match"?: string | null;
            };
            path: {
                /** @description 1 to 256 bytes, percent-encoded */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DocumentRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WriteResponse"];
                };
            };
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WriteResponse"];
                };
            };
            /** @description A job checks the judged questions, then writes */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobResponse"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Judged questions would break; `?force=true` writes anyway */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Another version is live */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_action: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Write only if this version is live, as in the `ETag` of a read: `"3"`, a list of them, or `*` for any. Otherwise
                 *     412.
                 */
                "If-Match"?: string | null;
                /** @description `*`: write only if the document does not exist. Otherwise 412. */
                "If-None-Match"?: string | null;
            };
            path: {
                /** @description The id, then `:publish`, `:archive`, `:restore` or `:trust` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ActionRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActionResponse"];
                };
            };
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WriteResponse"];
                };
            };
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Judged questions would break; `force` writes anyway */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Another version is live */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_document: {
        parameters: {
            query?: {
                /** @description `indexed`: reply once the change is searchable, after 20 s at most. */
                wait?: "indexed";
                /** @description Write even if judged questions break. */
                force?: boolean;
                /**
                 * @description Check the judged questions in a job and reply 202 immediately. Default: a job takes over if the check takes longer
                 *     than 10 s or a third of `http.timeout_ms`.
                 */
                background?: boolean;
            };
            header?: {
                /**
                 * @description Write only if this version is live, as in the `ETag` of a read: `"3"`, a list of them, or `*` for any. Otherwise
                 *     412.
                 */
                "If-Match"?: string | null;
                /** @description `*`: write only if the document does not exist. Otherwise 412. */
                "If-None-Match"?: string | null;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WriteResponse"];
                };
            };
            /** @description A job checks the judged questions */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Judged questions would break */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Another version is live */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_chunks: {
        parameters: {
            query?: {
                /** @description Default: the live version. */
                version?: number;
                /** @description `next` of the previous page. */
                after?: string;
                /** @description 1 to 200; default 100. */
                limit?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChunkListResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    diff_versions: {
        parameters: {
            query: {
                from: number;
                to: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DiffResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_original: {
        parameters: {
            query?: {
                /** @description The document's version; default: the live one. */
                version?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file, with its type */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_source: {
        parameters: {
            query?: {
                /** @description The document's version; default: the live one. */
                version?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    /** @description The version in quotes, for `If-Match` */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SourceResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_versions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VersionsResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_lint: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LintResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    preview: {
        parameters: {
            query?: {
                /** @description File name; needed if the body is the file itself and its content type does not identify the format. */
                name?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description One file */
        requestBody: {
            content: {
                "multipart/form-data": components["schemas"]["FileForm"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PreviewResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    preview_impact: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ImpactRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Impact"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_tree: {
        parameters: {
            query?: {
                /** @description The folder: empty (default) or the `prefix` of a folder, which ends in `/`. */
                prefix?: string;
                /** @description `next` of the previous page. */
                after?: string;
                /** @description 1 to 200; default 100. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TreeResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    upload: {
        parameters: {
            query?: {
                /** @description `done`: reply once the job is finished, after 20 s at most. */
                wait?: "done";
                /**
                 * @description Write even if judged questions break. Default: a document that would break one is skipped, and its item reports
                 *     the reason.
                 */
                force?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Parts with file names */
        requestBody: {
            content: {
                "multipart/form-data": components["schemas"]["FileForm"];
            };
        };
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_drafts: {
        parameters: {
            query?: {
                /** @description `open` (default), `approved`, `published`, `rejected`, `merged`. */
                state?: "open" | "approved" | "published" | "rejected" | "merged";
                /**
                 * @description `new`, `variant`, `update`, `contradiction`, `known`, `negative`, `gap`, or `all`. Default: for open drafts, those
                 *     with new content; otherwise all.
                 */
                class?: "new" | "variant" | "update" | "contradiction" | "known" | "negative" | "gap" | "all";
                /** @description `next` of the previous page. */
                after?: string;
                /** @description 1 to 1,000; default 50. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DraftListResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_draft: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DraftDetails"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_draft_action: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id, then `:approve`, `:edit`, `:reject` or `:merge` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DraftActionRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReviewedDraft"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Judged questions would break, a wording belongs to another FAQ, or the draft is already decided */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_embeddings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EmbeddingsRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EmbeddingsResponse"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
        };
    };
    list: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExperimentsResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    begin: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ExperimentRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Experiment"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The id is taken, or an experiment on the same subject is running */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    decide: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id, then `:stop` or `:promote` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DecisionRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Experiment"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The experiment is not running, or has no winner */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_faqs: {
        parameters: {
            query?: {
                /**
                 * @description Only FAQs whose question, variants and answers together contain each of these words; case, width and Chinese script do
                 *     not matter. 1 to 200 characters.
                 */
                q?: string;
                /** @description Only FAQs with this tag. */
                tag?: string;
                /** @description Only FAQs with this status. */
                status?: "draft" | "published" | "archived";
                /** @description Only FAQs whose audience has this name. */
                audience?: string;
                /** @description Return only FAQs with a greater id, in the order of their bytes: `next` of the previous page. */
                after?: string;
                /** @description 1 to 1,000; default 100. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FaqListResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_faq: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    /** @description The version in quotes, for `If-Match` */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FaqResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_faq: {
        parameters: {
            query?: {
                /** @description `indexed`: reply once the change is searchable, after 20 s at most. */
                wait?: "indexed";
                /** @description Write even if judged questions break. */
                force?: boolean;
                /**
                 * @description Check the judged questions in a job and reply 202 immediately. Default: a job takes over if the check takes longer
                 *     than 10 s or a third of `http.timeout_ms`.
                 */
                background?: boolean;
            };
            header?: {
                /**
                 * @description Write only if this version is live, as in the `ETag` of a read: `"3"`, a list of them, or `*` for any. Otherwise
                 *     412.
                 */
                "If-Match"?: string | null;
                /** @description `*`: write only if the document does not exist. Otherwise 412. */
                "If-None-Match"?: string | null;
            };
            path: {
                /** @description 1 to 256 bytes, percent-encoded */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Faq"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WriteResponse"];
                };
            };
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WriteResponse"];
                };
            };
            /** @description The judged questions are checked in a job, which writes */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Judged questions would break; `?force=true` writes anyway */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Another version is live */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_faq: {
        parameters: {
            query?: {
                /** @description `indexed`: reply once the change is searchable, after 20 s at most. */
                wait?: "indexed";
                /** @description Write even if judged questions break. */
                force?: boolean;
                /**
                 * @description Check the judged questions in a job and reply 202 immediately. Default: a job takes over if the check takes longer
                 *     than 10 s or a third of `http.timeout_ms`.
                 */
                background?: boolean;
            };
            header?: {
                /**
                 * @description Write only if this version is live, as in the `ETag` of a read: `"3"`, a list of them, or `*` for any. Otherwise
                 *     412.
                 */
                "If-Match"?: string | null;
                /** @description `*`: write only if the document does not exist. Otherwise 412. */
                "If-None-Match"?: string | null;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WriteResponse"];
                };
            };
            /** @description A job checks the judged questions */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Another version is live */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    bulk: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BulkRequest"];
            };
        };
        responses: {
            /** @description The changes made, or planned if `applied` is false */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkReport"];
                };
            };
            /** @description A job checks the judged questions, then writes */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkJobResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Judged questions would break, or an FAQ was changed meanwhile */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    export_faqs: {
        parameters: {
            query?: {
                /** @description `jsonl` (default), `json`, `csv`, `tsv` or `xlsx`. */
                format?: "jsonl" | "json" | "csv" | "tsv" | "xlsx";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": string;
                    "application/jsonl": string;
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": string;
                    "text/csv": string;
                    "text/tab-separated-values": string;
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    import_faqs: {
        parameters: {
            query?: {
                /** @description Report what each row would change, without writing. */
                dry_run?: boolean;
                /** @description Write the valid rows even if others are invalid or conflicting. */
                partial?: boolean;
                /** @description Write even if judged questions break. */
                force?: boolean;
                /** @description See `PUT /v1/documents/{id}`. */
                background?: boolean;
                /** @description With `dry_run`: also find existing FAQs that are semantically similar to new rows. */
                similar?: boolean;
                /** @description With `dry_run`: also preview which answers the import would alter, as `POST /v1/documents:preview-impact` does. */
                preview_impact?: boolean;
                /**
                 * @description A JSON object from the numbers of rows to `replace`, `add` or `skip`: what to do with rows that ask the same as
                 *     another FAQ or row, `{"7": "replace"}`. `replace`: its answers replace the other's. `add`: it becomes an FAQ beside
                 *     the other. `skip`: it is left out, and does not stop the import. A form can have it as the part `choices`.
                 */
                choices?: string;
                /** @description File name; needed if the body is the file itself and its content type does not identify the format. */
                name?: string;
                /**
                 * @description A JSON object from the names of columns to fields, or to null for columns to ignore: `{"Reply": "answer"}`. Fields
                 *     are those of an FAQ, and `answer[channel=…,audience=…,language=…]`. Other columns are recognised by their names.
                 *     A form can have it as the part `columns`.
                 */
                columns?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description One file */
        requestBody: {
            content: {
                "application/jsonl": string;
                "multipart/form-data": components["schemas"]["ImportForm"];
                "text/csv": string;
            };
        };
        responses: {
            /** @description The changes made, or planned if `applied` is false */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImportReport"];
                };
            };
            /** @description A job checks the judged questions, then writes */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImportJobResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_feedback: {
        parameters: {
            query?: {
                /** @description `next` of the previous page. */
                after?: string;
                /** @description 1 to 1,000; default 100. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FeedbackListResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_feedback: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FeedbackRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FeedbackResponse"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value, or answer or document not found */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_imports: {
        parameters: {
            query?: {
                /** @description Return only older imports: `next` of the previous page. */
                after?: string;
                /** @description 1 to 100; default 100. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImportListResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    undo_import: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id, then `:undo` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UndoRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UndoReport"];
                };
            };
            /** @description A job checks the judged questions, then writes */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UndoJobResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It is unknown, not written yet, or no longer kept */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It was undone before, FAQs were changed after it, or judged questions would break */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_inboxes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InboxesResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_inbox: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Inbox"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_inbox: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 1 to 64 of `a-z`, `0-9`, `-` and `_` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InboxRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InboxResponse"];
                };
            };
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InboxResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    test_inbox: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The inbox's id, then `:test` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InboxTestResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_inbox: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ItemChanged"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_outbound: {
        parameters: {
            query?: {
                /** @description Return only later messages: `next` of the previous page, or the `seq` of a message. */
                after?: string;
                /** @description 1 to 200; default 100. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description The inbox's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OutboundResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_inbound: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The inbox's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InboundRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InboundResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_shadow_report: {
        parameters: {
            query?: {
                /** @description Period in days, 1 to 366; default 7. */
                days?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShadowReport"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    check_webhook: {
        parameters: {
            query?: {
                /** @description Default: `default` */
                workspace?: string;
            };
            header?: never;
            path: {
                /** @description The inbox's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The challenge */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_webhook: {
        parameters: {
            query?: {
                /** @description Default: `default` */
                workspace?: string;
            };
            header?: never;
            path: {
                /** @description The inbox's id */
                id: string;
            };
            cookie?: never;
        };
        /** @description As the platform writes it */
        requestBody: {
            content: {
                "application/json": string;
            };
        };
        responses: {
            /** @description Taken, or known: empty. Slack's check: the challenge. WeChat and calls: the reply, as XML */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_closures: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GapClosuresResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    close_gap: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GapClosureRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GapClosure"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    reopen_gap: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The gap's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ItemChanged"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    gaps: {
        parameters: {
            query?: {
                /** @description Period in days, 1 to 366; default 30. */
                days?: number;
                /** @description 1 to 500; default 50. */
                limit?: number;
                /** @description `next` of the previous page. */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GapsResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    knowledge: {
        parameters: {
            query?: {
                /** @description RFC 3339. Default: 30 days before `to`. */
                from?: string;
                /** @description RFC 3339, exclusive. Default: now. */
                to?: string;
                /** @description `next` of the previous page. */
                after?: string;
                /** @description 1 to 1,000. Default: all. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UsageResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    scenes: {
        parameters: {
            query?: {
                /** @description RFC 3339. Default: 30 days before `to`. */
                from?: string;
                /** @description RFC 3339, exclusive. Default: now. */
                to?: string;
                /** @description Group by (summary only): `channel`, `tag`, `day`, `intent` or `reason`. */
                by?: "channel" | "tag" | "day" | "intent" | "reason";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ScenesResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    summary: {
        parameters: {
            query?: {
                /** @description RFC 3339. Default: 30 days before `to`. */
                from?: string;
                /** @description RFC 3339, exclusive. Default: now. */
                to?: string;
                /** @description Group by (summary only): `channel`, `tag`, `day`, `intent` or `reason`. */
                by?: "channel" | "tag" | "day" | "intent" | "reason";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InsightSummary"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_jobs: {
        parameters: {
            query?: {
                /** @description Only jobs in this state. */
                state?: "filling" | "queued" | "running" | "done" | "failed" | "cancelled";
                /** @description Only jobs of this kind. */
                kind?: "upload" | "change" | "judged_run";
                /** @description `next` of the previous page. */
                after?: string;
                /** @description 1 to 200; default 100. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobListResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_job: {
        parameters: {
            query?: {
                /** @description Only items in this state. */
                state?: "waiting" | "done" | "failed";
                /** @description `next` of the previous page. */
                after?: string;
                /** @description Items of a page, 1 to 1,000. Default: all. */
                limit?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    retry_job: {
        parameters: {
            query?: {
                /** @description Uploads only: write even if judged questions break. */
                force?: boolean;
            };
            header?: never;
            path: {
                /** @description The id, then `:retry` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The job has not ended, was cancelled, or no failed item can be run again */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancel_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_judged: {
        parameters: {
            query?: {
                /** @description `next` of the previous page. */
                after?: string;
                /** @description 1 to 1,000. Default: all judged questions, or 1,000 reviews. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JudgedQuestionsResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_judged: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 1 to 128 characters */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JudgedQuestionRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JudgedQuestion"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_judged: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ItemChanged"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_judged_runs: {
        parameters: {
            query?: {
                /** @description Return only runs before this one: `next` of the previous page. */
                before?: string;
                /** @description 1 to 50; default 20. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JudgedRunListResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    start_judged_run: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JudgedRunBody"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A run is unfinished, or there are no judged questions */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_judged_run: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JudgedRunResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_keys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeysResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_key: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["KeyRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyCreated"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revoke_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ItemChanged"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_models: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelsResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
        };
    };
    get_model: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The model's id, for example `ken` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelBody"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenAiErrorResponse"];
                };
            };
        };
    };
    list_questions: {
        parameters: {
            query?: {
                /** @description Only questions with this outcome. */
                outcome?: "answered" | "clarify" | "refused" | "handoff";
                /** @description Only questions with this reason; empty: only those without a reason. */
                reason?: string;
                /** @description Only questions from this channel; `none`: also those without a channel. */
                channel?: string;
                /** @description Only questions whose request named this tag. */
                tag?: string;
                /** @description Only questions of this group of `GET /v1/insights/summary?by=intent`, over the same period. */
                intent?: string;
                /** @description Only questions whose answer cites this document. */
                document_id?: string;
                /** @description Only questions whose newest rating is this. */
                rating?: "liked" | "disliked";
                /** @description RFC 3339. Default: 30 days before `to`. */
                from?: string;
                /** @description RFC 3339, exclusive. Default: now. */
                to?: string;
                /** @description `next` of the previous page. */
                after?: string;
                /** @description 1 to 200; default 100. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QuestionListResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_reviews: {
        parameters: {
            query?: {
                /** @description `next` of the previous page. */
                after?: string;
                /** @description 1 to 1,000. Default: all judged questions, or 1,000 reviews. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReviewsResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    close_review: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ItemChanged"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_search: {
        parameters: {
            query?: never;
            header?: {
                /** @description Default: the key's workspace, or `default` */
                "X-Ken-Workspace"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SearchRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SearchResponse"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    sign_in: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignInRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Nobody needs to sign in */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    sign_out: {
        parameters: {
            query?: {
                /** @description Ends all sessions of the same key or person. Default: only this one. */
                everywhere?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignedOut"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    begin_oidc: {
        parameters: {
            query?: {
                /** @description The path to open after the sign-in, percent-encoded, with its query. Default `/`. */
                next?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description To the provider's page, or to `/?sign_in_error=unavailable` */
            302: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No provider is configured */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `next` is not a local path */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    finish_oidc: {
        parameters: {
            query?: {
                /** @description The state that the sign-in sent. */
                state?: string;
                /** @description The authorization code. */
                code?: string;
                /** @description Why the provider refused. */
                error?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description To the requested path, with the session's cookie, or to `/?sign_in_error=…` */
            302: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No provider is configured */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_settings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Settings"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_settings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Settings"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Settings"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_stream: {
        parameters: {
            query?: {
                /**
                 * @description Send events after this number; the header `Last-Event-ID`, which browsers send when they connect again, takes
                 *     precedence. Default: only new events.
                 */
                after?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Events, until the client disconnects */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_synonyms: {
        parameters: {
            query?: never;
            header?: {
                /** @description Default: the key's workspace, or `default` */
                "X-Ken-Workspace"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SynonymsResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_synonyms: {
        parameters: {
            query?: never;
            header?: {
                /** @description Default: the key's workspace, or `default` */
                "X-Ken-Workspace"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SynonymsRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SynonymsResponse"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_tuning: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TuningResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    learn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DecisionRequest"];
            };
        };
        responses: {
            /** @description Settings tried, their results, and whether they took effect */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LearnedTuning"];
                };
            };
            /** @description Tuning continues in the background; the current settings */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TuningResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Tuning is already running */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    roll_back: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DecisionRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TuningResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There are no earlier settings */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_webhooks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhooksResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_webhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookEndpoint"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_webhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 1 to 64 of `a-z`, `0-9`, `-` and `_` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookResponse"];
                };
            };
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    act_on_webhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The endpoint's id, then `:test`, `:rotate-secret` or `:replay` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookActionRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookActionResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_webhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ItemChanged"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_webhook_events: {
        parameters: {
            query?: {
                /** @description `next` of the previous page. */
                after?: string;
                /** @description 1 to 200; default 100. */
                limit?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookEventsResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_workspaces: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkspacesResponse"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Resource not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Invalid value */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_workspace: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkspaceDeleted"];
                };
            };
            /** @description The body is not valid JSON */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Authentication required */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Insufficient permissions */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Request body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unsupported media type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Rate limit exceeded or service overloaded; retry after `Retry-After` seconds */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Service unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
