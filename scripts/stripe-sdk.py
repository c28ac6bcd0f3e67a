"""Makes the calls of a shop with Stripe's own Python SDK against the sandbox, and receives its webhooks."""

import http.server
import os
import queue
import threading

import stripe

stripe.api_key = os.environ["STRIPE_API_KEY"]
stripe.api_base = os.environ["SANDBOX"]
stripe.max_network_retries = 0
RETURN = "https://shop.test/back"
events = queue.Queue()
unclaimed = []


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        events.put(stripe.Webhook.construct_event(body, self.headers["Stripe-Signature"], os.environ["STRIPE_WEBHOOK_SECRET"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


hook = http.server.HTTPServer(("127.0.0.1", int(os.environ["HOOK_PORT"])), Hook)
threading.Thread(target=hook.serve_forever, daemon=True).start()
done = []


def check(body):
    body()
    done.append(body.__name__)
    return body


def refused(error, call, code=None, param=None):
    try:
        call()
    except error as refusal:
        assert code is None or refusal.code == code, (refusal.code, refusal)
        assert param is None or refusal.param == param, (refusal.param, refusal)
        return refusal
    raise AssertionError(f"not refused: {code}")


def pay(amount=1999, currency="eur", method="pm_card_visa", **more):
    return stripe.PaymentIntent.create(amount=amount, currency=currency, payment_method=method, confirm=True, return_url=RETURN, **more)


def await_event(kind, of):
    """The event of this type about the object. Events come in any order: those of other kinds are kept for the calls that await them."""
    while True:
        for event in unclaimed:
            if event.type == kind and of in (event.data.object["id"], getattr(event.data.object, "payment_intent", None)):
                unclaimed.remove(event)
                return event
        unclaimed.append(events.get(timeout=20))


@check
def cards():
    for method in ["pm_card_visa", "pm_card_amex", "pm_card_mastercard", "pm_card_unionpay", "pm_card_threeDSecureOptional", "pm_card_de"]:
        assert pay(method=method).status == "succeeded", method
    declines = {
        "pm_card_visa_chargeDeclined": "generic_decline",
        "pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient_funds",
        "pm_card_visa_chargeDeclinedLostCard": "lost_card",
        "pm_card_visa_chargeDeclinedStolenCard": "stolen_card",
        "pm_card_visa_chargeDeclinedVelocityLimitExceeded": "card_velocity_exceeded",
    }
    for method, bank in declines.items():
        refusal = refused(stripe.CardError, lambda: pay(method=method), code="card_declined")
        assert refusal.error.decline_code == bank, refusal
        assert refusal.error.payment_intent.status == "requires_payment_method"
    for method, code in [("ExpiredCard", "expired_card"), ("IncorrectCvc", "incorrect_cvc"), ("ProcessingError", "processing_error")]:
        refused(stripe.CardError, lambda: pay(method=f"pm_card_chargeDeclined{method}"), code=code)
    # The caller's mistake, not a decline.
    refused(stripe.InvalidRequestError, lambda: pay(method="pm_card_nobody"), code="resource_missing", param="payment_method")


@check
def amounts_and_currencies():
    refused(stripe.InvalidRequestError, lambda: pay(49), code="amount_too_small")
    refused(stripe.InvalidRequestError, lambda: pay(100, "xyz"), param="currency")
    assert pay(50, "jpy").currency == "jpy"


@check
def common_fields():
    intent = pay(
        description="Two mugs", receipt_email="ada@example.com", statement_descriptor_suffix="MUGS", metadata={"order_id": "42"},
        shipping={"name": "Ada", "address": {"line1": "12 St James Square", "city": "London", "country": "GB"}},
        automatic_payment_methods={"enabled": True}, expand=["latest_charge.balance_transaction"],
    )  # fmt: skip
    assert intent.shipping.address.city == "London" and intent.receipt_email == "ada@example.com" and intent.metadata["order_id"] == "42"
    charge = intent.latest_charge
    assert charge.paid and charge.captured and charge.payment_method_details.card.brand == "visa" and charge.outcome.type == "authorized"
    transaction = charge.balance_transaction
    assert transaction.amount == 1999 and transaction.net == 1999 - transaction.fee and transaction.type == "charge"
    assert stripe.BalanceTransaction.retrieve(transaction.id).source == charge.id
    assert charge.id in [one.id for one in stripe.Charge.list(payment_intent=intent.id)]
    assert stripe.Charge.retrieve(charge.id, expand=["payment_intent"]).payment_intent.id == intent.id
    for name in ["amount_capturable", "application_fee_amount", "on_behalf_of", "processing", "review", "setup_future_usage", "transfer_group"]:
        assert name in intent, name
    await_event("payment_intent.succeeded", intent.id)


@check
def modify_and_confirm():
    intent = stripe.PaymentIntent.create(amount=500, currency="eur", metadata={"a": "1"})
    assert await_event("payment_intent.created", intent.id).data.object.status == "requires_payment_method"
    intent = stripe.PaymentIntent.modify(intent.id, amount=700, metadata={"b": "2"}, payment_method="pm_card_visa")
    assert intent.amount == 700 and intent.metadata.to_dict() == {"a": "1", "b": "2"} and intent.status == "requires_confirmation"
    assert stripe.PaymentIntent.confirm(intent.id, return_url=RETURN).status == "succeeded"
    refused(stripe.InvalidRequestError, lambda: stripe.PaymentIntent.modify(intent.id, amount=800), code="payment_intent_unexpected_state")
    found = stripe.PaymentIntent.search(query="metadata['b']:'2'")
    assert [one.id for one in found.auto_paging_iter()] == [intent.id]


@check
def authentication():
    intent = pay(method="pm_card_threeDSecure2Required")
    assert intent.status == "requires_action" and intent.next_action.redirect_to_url.url.startswith(stripe.api_base)
    await_event("payment_intent.requires_action", intent.id)
    assert stripe.PaymentIntent.cancel(intent.id, cancellation_reason="abandoned").status == "canceled"
    await_event("payment_intent.canceled", intent.id)
    assert pay(method="pm_card_threeDSecureOptional", payment_method_options={"card": {"request_three_d_secure": "any"}}).status == "requires_action"
    refused(stripe.CardError, lambda: pay(method="pm_card_authenticationRequired", off_session=True), code="authentication_required")
    refused(stripe.CardError, lambda: pay(method="pm_card_authenticationRequired", error_on_requires_action=True), code="authentication_required")


@check
def manual_capture():
    intent = pay(1000, capture_method="manual")
    assert intent.status == "requires_capture" and intent.amount_capturable == 1000
    await_event("payment_intent.amount_capturable_updated", intent.id)
    refused(stripe.InvalidRequestError, lambda: stripe.PaymentIntent.capture(intent.id, amount_to_capture=1001), code="amount_too_large")
    intent = stripe.PaymentIntent.capture(intent.id, amount_to_capture=600, expand=["latest_charge"])
    assert intent.amount_received == 600 and intent.latest_charge.amount_captured == 600 and intent.latest_charge.amount_refunded == 400
    await_event("charge.captured", intent.id)
    other = stripe.PaymentIntent.cancel(pay(1000, capture_method="manual").id, expand=["latest_charge"])
    assert other.status == "canceled" and other.latest_charge.refunded and not other.latest_charge.captured


@check
def direct_debit():
    intent = pay(method="pm_success_de", payment_method_types=["sepa_debit"])
    assert intent.status == "processing"
    await_event("payment_intent.processing", intent.id)
    assert await_event("payment_intent.succeeded", intent.id).data.object.amount_received == 1999


@check
def refunds():
    intent = pay(1000)
    first = stripe.Refund.create(payment_intent=intent.id, amount=300, reason="requested_by_customer", expand=["charge", "balance_transaction"])
    assert first.charge.amount_refunded == 300 and first.balance_transaction.amount == -300
    await_event("refund.created", intent.id)
    await_event("charge.refunded", intent.latest_charge)
    rest = stripe.Refund.create(charge=intent.latest_charge)
    assert rest.amount == 700 and [one.id for one in stripe.Refund.list(payment_intent=intent.id)] == [rest.id, first.id]
    refused(stripe.InvalidRequestError, lambda: stripe.Refund.create(payment_intent=intent.id), code="charge_already_refunded")
    assert stripe.Refund.modify(first.id, metadata={"why": "late"}).metadata["why"] == "late"
    pending = pay(1000, method="pm_card_pendingRefund")
    assert stripe.Refund.create(payment_intent=pending.id).status == "pending"
    assert await_event("refund.updated", pending.id).data.object.status == "succeeded"
    failing = pay(1000, method="pm_card_refundFail")
    assert stripe.Refund.create(payment_intent=failing.id).status == "succeeded"
    await_event("refund.failed", failing.id)


@check
def disputes():
    intent = pay(method="pm_card_createDispute")
    dispute = stripe.Dispute.list(payment_intent=intent.id).data[0]
    await_event("charge.dispute.created", intent.id)
    assert dispute.status == "needs_response" and not dispute.is_charge_refundable
    refused(stripe.InvalidRequestError, lambda: stripe.Refund.create(payment_intent=intent.id), code="charge_disputed")
    assert stripe.Dispute.modify(dispute.id, evidence={"uncategorized_text": "winning_evidence"}, submit=True).status == "won"
    await_event("charge.dispute.funds_reinstated", intent.id)
    assert stripe.Dispute.close(stripe.Dispute.list(payment_intent=pay(method="pm_card_createDispute").id).data[0].id).status == "lost"


@check
def customers():
    customer = stripe.Customer.create(email="ada@example.com", name="Ada", metadata={"tier": "gold"})
    await_event("customer.created", customer.id)
    kept = stripe.PaymentMethod.attach("pm_card_visa", customer=customer.id)
    assert await_event("payment_method.attached", kept.id).data.object.customer == customer.id
    made = stripe.PaymentMethod.create(type="card", card={"token": "tok_mastercard"})
    stripe.PaymentMethod.attach(made.id, customer=customer.id)
    assert {one.id for one in stripe.PaymentMethod.list(customer=customer.id, type="card")} == {kept.id, made.id}
    assert [one.id for one in stripe.Customer.list_payment_methods(customer.id, limit=1)] == [made.id]
    assert pay(method=kept.id, customer=customer.id, off_session=True, expand=["customer"]).customer.email == "ada@example.com"
    stripe.PaymentMethod.detach(kept.id)
    refused(stripe.InvalidRequestError, lambda: pay(method=kept.id, customer=customer.id), param="payment_method")
    saved = pay(customer=customer.id, setup_future_usage="off_session").payment_method
    assert stripe.PaymentMethod.retrieve(saved).customer == customer.id
    assert stripe.Customer.modify(customer.id, name="Ada L.").name == "Ada L."
    assert stripe.Customer.list(email="ada@example.com").data[0].id == customer.id
    assert stripe.Customer.delete(customer.id).deleted and stripe.Customer.retrieve(customer.id).deleted
    refused(stripe.InvalidRequestError, lambda: pay(customer=customer.id), code="resource_missing", param="customer")


@check
def idempotency():
    first = pay(idempotency_key="same")
    again = pay(idempotency_key="same")
    assert first.id == again.id and again.last_response.headers["Idempotent-Replayed"] == "true"
    refused(stripe.IdempotencyError, lambda: pay(1000, idempotency_key="same"))


@check
def events_that_were_missed():
    start = stripe.Event.list(limit=1).data[0].id
    ids = [pay(1000 + number).id for number in range(30)]
    # From the known event on, oldest first, as a shop catches up after an outage.
    caught = list(stripe.Event.list(ending_before=start, limit=20, types=["payment_intent.succeeded"]).auto_paging_iter())
    assert [one.data.object.id for one in caught if one.data.object.id in ids] in (ids, ids[::-1]), caught
    newest = stripe.Event.list(type="payment_intent.succeeded", limit=5).data
    assert [one.data.object.id for one in newest] == ids[::-1][:5]
    older = stripe.Event.list(type="payment_intent.succeeded", limit=5, starting_after=newest[-1].id).data
    assert [one.data.object.id for one in older] == ids[::-1][5:10]
    assert not stripe.Event.list(created={"lt": newest[0].created - 3600}).data
    assert stripe.Event.retrieve(newest[0].id).type == "payment_intent.succeeded"


@check
def pages():
    ids = [one.id for one in stripe.PaymentIntent.list(limit=7).auto_paging_iter()]
    assert len(ids) == len(set(ids)) > 30
    assert [one.id for one in stripe.PaymentIntent.list(limit=3, ending_before=ids[5])] == ids[2:5]
    assert len(list(stripe.BalanceTransaction.list(limit=50).auto_paging_iter())) > 30


@check
def version():
    intent = pay()
    assert intent.last_response.headers["Stripe-Version"] == stripe.api_version
    old = stripe.PaymentIntent.retrieve(intent.id, stripe_version="2024-06-20")
    assert old.last_response.headers["Stripe-Version"] == "2024-06-20"
    refused(stripe.InvalidRequestError, lambda: stripe.PaymentIntent.retrieve(intent.id, stripe_version="yesterday"))
    refused(stripe.AuthenticationError, lambda: stripe.PaymentIntent.retrieve(intent.id, api_key="sk_test_other"))


print(f"Stripe's SDK {stripe.VERSION}: {', '.join(name.replace('_', ' ') for name in done)}")
