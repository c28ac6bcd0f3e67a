import Foundation
import Testing

@testable import Sandbox

private let python = ProcessInfo.processInfo.environment["WHARF_PAYPAL_PYTHON"]

/// PayPal's own Python SDK (`paypal-server-sdk`) against the sandbox. Runs only if `WHARF_PAYPAL_PYTHON` names a Python that has it.
@Suite(.timeLimit(.minutes(2)), .enabled(if: python != nil)) struct PayPalSDKTests {
    @Test func `its calls create, capture and refund a payment, and read the errors`() async throws {
        try await TestSandbox.run(configure: { $0.payPal = PayPalAccount(clientID: "id", clientSecret: "secret", webhookID: "WH1") }) { sandbox in
            let process = Process()
            process.executableURL = URL(filePath: python ?? "")
            process.arguments = ["-c", Self.script, "http://127.0.0.1:\(sandbox.port)", "id", "secret"]
            let output = Pipe()
            (process.standardOutput, process.standardError) = (output, output)
            let printed = try await withCheckedThrowingContinuation { (done: CheckedContinuation<String, any Error>) in
                process.terminationHandler = { _ in done.resume(returning: String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)) }
                do { try process.run() } catch { done.resume(throwing: error) }
            }
            #expect(process.terminationStatus == 0, "\(printed)")
        }
    }

    private static let script = """
        import sys, urllib.request
        from paypalserversdk.configuration import Configuration, Environment, Server
        from paypalserversdk.exceptions.error_exception import ErrorException
        from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
        from paypalserversdk.models.amount_with_breakdown import AmountWithBreakdown
        from paypalserversdk.models.money import Money
        from paypalserversdk.models.order_request import OrderRequest
        from paypalserversdk.models.purchase_unit_request import PurchaseUnitRequest
        from paypalserversdk.models.refund_request import RefundRequest
        from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient

        base, client_id, secret = sys.argv[1:4]
        Configuration.environments[Environment.SANDBOX][Server.DEFAULT] = base
        client = PaypalServersdkClient(
            client_credentials_auth_credentials=ClientCredentialsAuthCredentials(o_auth_client_id=client_id, o_auth_client_secret=secret),
            environment=Environment.SANDBOX)
        orders, payments = client.orders, client.payments
        whole = "return=representation"

        def refused(call, issue):
            try:
                call()
            except ErrorException as error:
                assert error.details[0].issue == issue, error.details
                return
            raise SystemExit("not refused: " + issue)

        def create(value):
            unit = PurchaseUnitRequest(amount=AmountWithBreakdown(currency_code="EUR", value=value), custom_id="order-1", invoice_id="invoice-1")
            body = OrderRequest(intent="CAPTURE", purchase_units=[unit])
            return orders.create_order({"body": body, "paypal_request_id": "sdk-1", "prefer": whole}).body

        order = create("19.99")
        assert order.status == "CREATED" and create("19.99").id == order.id
        refused(lambda: create("19.98"), "DUPLICATE_REQUEST_ID")
        refused(lambda: orders.capture_order({"id": order.id}), "ORDER_NOT_APPROVED")
        page = next(link.href for link in order.links if link.rel == "approve")
        urllib.request.urlopen(urllib.request.Request(page, data=b"outcome=approve", method="POST")).read()
        assert orders.get_order({"id": order.id}).body.status == "APPROVED"
        captured = orders.capture_order({"id": order.id, "paypal_request_id": "sdk-2", "prefer": whole}).body
        capture = captured.purchase_units[0].payments.captures[0]
        assert captured.status == "COMPLETED" and capture.status == "COMPLETED" and capture.amount.value == "19.99"
        refused(lambda: orders.capture_order({"id": order.id, "paypal_request_id": "sdk-3"}), "ORDER_ALREADY_CAPTURED")
        assert payments.get_captured_payment({"capture_id": capture.id}).body.status == "COMPLETED"

        def refund(body, request_id):
            return payments.refund_captured_payment({"capture_id": capture.id, "paypal_request_id": request_id, "body": body, "prefer": whole}).body

        part = refund(RefundRequest(amount=Money(currency_code="EUR", value="9.99")), "sdk-4")
        assert part.status == "COMPLETED" and part.amount.value == "9.99"
        rest = refund(RefundRequest(), "sdk-5")
        assert rest.amount.value == "10.00" and payments.get_refund({"refund_id": rest.id}).body.status == "COMPLETED"
        assert payments.get_captured_payment({"capture_id": capture.id}).body.status == "REFUNDED"
        refused(lambda: refund(RefundRequest(), "sdk-6"), "CAPTURE_FULLY_REFUNDED")
        """
}
