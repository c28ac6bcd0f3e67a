-- Tables for limit A, like those of the services, filled with what real orders of this run have written: psql -v carts=N -v base=N.
-- Each cart and each order of one-order.sql follows from a number; carts are made for the numbers from :base on, :carts of them a client, 64 clients.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS one_by_one CASCADE;
CREATE SCHEMA one_by_one;
SET search_path = one_by_one;

CREATE TABLE carts (LIKE carts.carts INCLUDING ALL);
CREATE TABLE orders (LIKE orders.orders INCLUDING ALL);
CREATE TABLE order_skus (LIKE orders.order_skus INCLUDING ALL);
CREATE TABLE checkouts (LIKE orders.checkouts INCLUDING ALL, FOREIGN KEY (order_id) REFERENCES orders) WITH (fillfactor = 50);
CREATE TABLE stock (LIKE catalog.stock INCLUDING ALL) WITH (fillfactor = 50);
CREATE TABLE reservations (LIKE catalog.reservations INCLUDING ALL) WITH (fillfactor = 60);
CREATE TABLE attempts (LIKE payments.attempts INCLUDING ALL) WITH (fillfactor = 60);
CREATE TABLE carts_inbox (LIKE carts.inbox INCLUDING ALL);
CREATE TABLE orders_inbox (LIKE orders.inbox INCLUDING ALL);
CREATE TABLE catalog_inbox (LIKE catalog.inbox INCLUDING ALL);
CREATE TABLE payments_inbox (LIKE payments.inbox INCLUDING ALL);
CREATE SEQUENCE numbers CACHE 1000;

-- Up to 100 real orders.
CREATE TABLE samples AS
SELECT row_number() OVER (ORDER BY o.id) - 1 AS t, o.*, c.history, r.skus, r.quantities, a.payment_method, a.intent_id
FROM orders.orders AS o
JOIN orders.checkouts AS c ON c.order_id = o.id AND c.phase = 'confirmed' AND jsonb_array_length(c.history) = 3
JOIN catalog.reservations AS r ON r.order_id = o.id
JOIN payments.attempts AS a ON a.order_id = o.id
LIMIT 100;
ALTER TABLE samples ADD PRIMARY KEY (t);

CREATE TABLE lines AS
SELECT t, line.sku, line.quantity FROM samples, unnest(skus, quantities) AS line (sku, quantity);
CREATE INDEX ON lines (t);

-- Inbox rows of each step, with the messages that the step sends on.
CREATE TABLE messages (step integer, t bigint, fingerprint bytea, outputs json, PRIMARY KEY (step, t));
CREATE VIEW handled AS
SELECT 'carts' AS service, * FROM carts.inbox UNION ALL SELECT 'orders', * FROM orders.inbox
UNION ALL SELECT 'catalog', * FROM catalog.inbox UNION ALL SELECT 'payments', * FROM payments.inbox;
INSERT INTO messages
SELECT step, row_number() OVER (PARTITION BY step ORDER BY message_id) - 1, fingerprint, outputs
FROM (VALUES
    (1, 'carts', '%orders.checkouts.place%'), (2, 'orders', '%catalog.stock.reserve%'), (3, 'catalog', '%payments.charge%'),
    (5, 'payments', '%catalog.stock.sell%'), (6, 'orders', '%order.confirmed%'), (7, 'catalog', '[]')
) AS steps (step, service, pattern)
CROSS JOIN LATERAL (
    SELECT message_id, fingerprint, outputs FROM handled
    WHERE handled.service = steps.service AND outputs::text LIKE pattern LIMIT 100) AS samples;

-- All steps and the orders themselves have as many samples as the fewest of them.
CREATE TABLE size AS
SELECT min(count) AS templates FROM (
    SELECT count(*) FROM samples UNION ALL
    SELECT count(messages.t) FROM generate_series(1, 7) AS step LEFT JOIN messages USING (step) WHERE step <> 4 GROUP BY step) AS counts;

INSERT INTO stock (sku, on_hand, reserved) SELECT sku, 100000000, 0 FROM catalog.stock;
INSERT INTO carts (id, expires_at)
SELECT md5('cart' || (:base + client * 100000 + number)::text)::uuid, now() + interval '30 days'
FROM generate_series(0, 63) AS client, generate_series(1, :carts) AS number;
VACUUM ANALYZE;
CHECKPOINT;
SELECT templates FROM size;
