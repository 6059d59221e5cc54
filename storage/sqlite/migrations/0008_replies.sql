-- A message in the thread of a job is a reply to it: threads are looked up by their first message.

CREATE INDEX jobs_by_thread ON jobs (thread) WHERE thread IS NOT NULL;
CREATE INDEX outbox_cards ON outbox (message_id) WHERE kind = 'card' AND message_id IS NOT NULL;
