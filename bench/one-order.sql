-- Limit A, one order after the other: the rows that one checkout writes, service by service, each service's transaction a commit of its own,
-- from the cart to the confirmed order. What the checkout writes after that (the mail, the gateway's webhook) is left out, to A's favour.
-- pgbench -D i=0 -D base=N -D templates=N
\set i :i + 1
\set k :base + :client_id * 100000 + :i
\set t :k % :templates

-- carts: the cart is closed.
BEGIN;
UPDATE one_by_one.carts SET order_id = md5('order' || :k)::uuid, version = version + 1 WHERE id = md5('cart' || :k)::uuid;
INSERT INTO one_by_one.carts_inbox (message_id, fingerprint, outputs, at) SELECT md5('1-' || :k)::uuid, fingerprint, outputs, now() FROM one_by_one.messages WHERE step = 1 AND t = :t;
COMMIT;

-- orders: the order is placed.
BEGIN;
INSERT INTO one_by_one.orders (id, number, cart_id, customer_id, email, shipping_address, payment, lines, total, currency, placed_at) SELECT md5('order' || :k)::uuid, 'W-' || nextval('one_by_one.numbers'), md5('cart' || :k)::uuid, NULL, email, shipping_address, payment, lines, total, currency, now() FROM one_by_one.samples WHERE t = :t;
INSERT INTO one_by_one.order_skus SELECT sku, now(), md5('order' || :k)::uuid FROM one_by_one.lines WHERE t = :t;
INSERT INTO one_by_one.checkouts (order_id, phase, due_at, history) SELECT md5('order' || :k)::uuid, 'reserving', now() + interval '10 seconds', jsonb_build_array(history -> 0) FROM one_by_one.samples WHERE t = :t;
INSERT INTO one_by_one.orders_inbox (message_id, fingerprint, outputs, at) SELECT md5('2-' || :k)::uuid, fingerprint, outputs, now() FROM one_by_one.messages WHERE step = 2 AND t = :t;
COMMIT;

-- catalog: the stock is reserved, and the charge is handed over. Rows are locked in one order, so that two clients cannot block each other for good.
BEGIN;
SELECT stock.sku FROM one_by_one.stock WHERE sku IN (SELECT sku FROM one_by_one.lines WHERE t = :t) ORDER BY sku FOR UPDATE;
UPDATE one_by_one.stock SET reserved = reserved + quantity FROM one_by_one.lines WHERE lines.t = :t AND stock.sku = lines.sku;
INSERT INTO one_by_one.reservations (order_id, state, skus, quantities, at) SELECT md5('order' || :k)::uuid, 'reserved', skus, quantities, now() FROM one_by_one.samples WHERE t = :t;
INSERT INTO one_by_one.catalog_inbox (message_id, fingerprint, outputs, at) SELECT md5('3-' || :k)::uuid, fingerprint, outputs, now() FROM one_by_one.messages WHERE step = 3 AND t = :t;
COMMIT;

-- payments: the attempt, before the gateway is called.
INSERT INTO one_by_one.attempts (order_id, idempotency_key, amount, currency, payment_method, order_number, state, sent_until, created_at, updated_at) SELECT md5('order' || :k)::uuid, md5('key' || :k)::uuid, total, currency, payment_method, number, 'begun', now() + interval '60 seconds', now(), now() FROM one_by_one.samples WHERE t = :t;

-- payments: what came of it.
BEGIN;
UPDATE one_by_one.attempts SET state = 'succeeded', intent_id = samples.intent_id || :k, updated_at = now() FROM one_by_one.samples WHERE order_id = md5('order' || :k)::uuid AND t = :t;
INSERT INTO one_by_one.payments_inbox (message_id, fingerprint, outputs, at) SELECT md5('5-' || :k)::uuid, fingerprint, outputs, now() FROM one_by_one.messages WHERE step = 5 AND t = :t;
COMMIT;

-- orders: the order is confirmed; payments has asked for the sale.
BEGIN;
UPDATE one_by_one.checkouts SET phase = 'confirmed', payment_state = 'succeeded', due_at = NULL, version = version + 1, history = checkouts.history || jsonb_build_array(samples.history -> 1, samples.history -> 2) FROM one_by_one.samples WHERE order_id = md5('order' || :k)::uuid AND t = :t;
INSERT INTO one_by_one.orders_inbox (message_id, fingerprint, outputs, at) SELECT md5('6-' || :k)::uuid, fingerprint, outputs, now() FROM one_by_one.messages WHERE step = 6 AND t = :t;
COMMIT;

-- catalog: what was reserved is sold.
BEGIN;
SELECT stock.sku FROM one_by_one.stock WHERE sku IN (SELECT sku FROM one_by_one.lines WHERE t = :t) ORDER BY sku FOR UPDATE;
UPDATE one_by_one.stock SET reserved = reserved - quantity, on_hand = on_hand - quantity FROM one_by_one.lines WHERE lines.t = :t AND stock.sku = lines.sku;
UPDATE one_by_one.reservations SET state = 'committed', at = now() WHERE order_id = md5('order' || :k)::uuid;
INSERT INTO one_by_one.catalog_inbox (message_id, fingerprint, outputs, at) SELECT md5('7-' || :k)::uuid, fingerprint, outputs, now() FROM one_by_one.messages WHERE step = 7 AND t = :t;
COMMIT;
