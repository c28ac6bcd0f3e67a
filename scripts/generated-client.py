"""Buys something with the generated client: as an administrator, puts a product into the shop; as a guest, orders it and reads the order."""

import os
import uuid

from wharf_client import AuthenticatedClient, Client
from wharf_client.api.carts import carts_carts_create, carts_checkouts_create, carts_items_put
from wharf_client.api.catalog import catalog_products_create, catalog_products_list, catalog_stock_set
from wharf_client.api.orders import orders_orders_get
from wharf_client.models import (
    Address,
    Checkout,
    CheckoutPayment,
    CheckoutPaymentGateway,
    ItemQuantity,
    NewProduct,
    OrderState,
    PlacedOrder,
    Price,
    Problem,
    StockLevel,
)

shop = os.environ["WHARF"]
administrator = AuthenticatedClient(base_url=shop, token=os.environ["ADMIN_TOKEN"], timeout=40)
guest = Client(base_url=shop, timeout=40)


def expect(response, status):
    assert response.status_code == status, (response.status_code, response.content)
    return response.parsed


def key():
    return str(uuid.uuid4())


sku = f"CLIENT-{uuid.uuid4().hex[:8]}"
product = NewProduct(sku=sku, name="Tea", price=Price(amount=450, currency="EUR"))
expect(catalog_products_create.sync_detailed(client=administrator, body=product, idempotency_key=key()), 201)
expect(catalog_stock_set.sync_detailed(sku, client=administrator, body=StockLevel(on_hand=5)), 200)

found = expect(catalog_products_list.sync_detailed(client=guest, search=sku), 200)
assert [item.sku for item in found.items] == [sku], found

cart = expect(carts_carts_create.sync_detailed(client=guest), 201)
cart = expect(carts_items_put.sync_detailed(cart.id, sku, client=guest, body=ItemQuantity(quantity=2)), 200)
assert cart.total.amount == 900, cart

checkout = Checkout(
    cart_id=cart.id,
    email="ada@example.com",
    shipping_address=Address(name="Ada Lovelace", line1="12 St James Square", city="London", postal_code="SW1Y 4JH", country="GB"),
    payment=CheckoutPayment(gateway=CheckoutPaymentGateway.STRIPE, payment_method="pm_card_visa"),
    expected_total=Price(amount=900, currency="EUR"),
)
placed = expect(carts_checkouts_create.sync_detailed(client=guest, body=checkout, idempotency_key=key(), prefer="wait=30"), 200)
assert isinstance(placed, PlacedOrder) and placed.order.state == OrderState.CONFIRMED, placed

order = expect(orders_orders_get.sync_detailed(placed.order.id, client=guest, token=placed.token), 200)
assert order.lines[0].sku == sku and order.total.amount == 900, order

# An error is an answer with a type, too.
problem = expect(carts_checkouts_create.sync_detailed(client=guest, body=checkout, idempotency_key=key()), 409)
assert isinstance(problem, Problem) and problem.type_.endswith("/cart-ordered"), problem
print(f"generated client: bought {sku} in order {order.number}")
