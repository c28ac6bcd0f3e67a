import FoundationEssentials
import HTTPTypes
import Hummingbird

/// The bank's page to which a customer is redirected for 3-D Secure, with a button for each outcome.
struct AuthenticationRoutes: Sendable {
    let ledger: PaymentLedger

    private struct Answer: Decodable {
        let outcome: PaymentIntent.AuthenticationResult
    }

    func add(to router: Router<SandboxContext>) {
        router.get("_authenticate/:id") { _, context in
            let payment = try payment(try context.parameters.require("id"))
            return Self.html(Self.page(for: payment))
        }
        router.post("_authenticate/:id") { request, context in
            let id = try context.parameters.require("id")
            let isJSON = request.headers[.contentType]?.lowercased().hasPrefix("application/json") ?? false
            let result = isJSON ? try await jsonAnswer(request) : try await formAnswer(request)
            let reply = try await ledger.execute(.authenticate(id: id, result), key: nil)
            guard reply.status == 200, !isJSON else { return Response(reply) }
            return Self.sendBack(try payment(id))
        }
    }

    private func payment(_ id: String) throws(StripeError) -> PaymentIntent {
        guard let payment = try ledger.read({ $0.payment(id) }) else { throw .noSuch("payment_intent", id, parameter: "intent") }
        return payment
    }

    private func jsonAnswer(_ request: Request) async throws -> PaymentIntent.AuthenticationResult {
        let body = try await request.bodyBytes()
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(body)) else {
            throw StripeError.invalidRequest(#"The body must be {"outcome": "succeed"} or {"outcome": "fail"}."#, parameter: "outcome")
        }
        return answer.outcome
    }

    private func formAnswer(_ request: Request) async throws -> PaymentIntent.AuthenticationResult {
        var reader = ParameterReader(try await request.formBody())
        guard let result = try reader.choice("outcome", of: PaymentIntent.AuthenticationResult.self) else {
            throw StripeError.missingParameter("outcome")
        }
        return result
    }

    /// The shop's return address for the customer, with the parameters that Stripe adds.
    private static func sendBack(_ payment: PaymentIntent) -> Response {
        guard let returnURL = payment.returnURL else {
            return html("<p>Done: \(payment.status.rawValue). You may close this page.</p>")
        }
        let separator = returnURL.contains("?") ? "&" : "?"
        let hasFailed = payment.status == .requiresPaymentMethod
        let query = [
            "payment_intent=\(payment.id)", "payment_intent_client_secret=\(payment.clientSecret)",
            "redirect_status=\(hasFailed ? "failed" : "succeeded")",
        ]
        return Response(status: .seeOther, headers: [.location: returnURL + separator + query.joined(separator: "&")])
    }

    /// Only a number and three checked letters in it come from outside.
    private static func page(for payment: PaymentIntent) -> String {
        guard payment.status == .requiresAction else { return "<p>This payment awaits no authentication: \(payment.status.rawValue).</p>" }
        return """
            <h1>3-D Secure</h1>
            <p>Payment \(payment.id): \(payment.amount) \(payment.currency.uppercased()) (smallest unit)</p>
            <form method="post">
            <button name="outcome" value="succeed">Authenticate</button>
            <button name="outcome" value="fail">Fail</button>
            </form>
            """
    }

    private static func html(_ content: String) -> Response { Response(status: .ok, page: "Payment sandbox", content) }
}

extension Response {
    /// - Parameter content: HTML. Whatever came from outside must be escaped in it.
    init(status: HTTPResponse.Status, page title: String, _ content: String) {
        let page = "<!doctype html><meta charset=\"utf-8\"><title>\(title)</title>\n\(content)\n"
        self.init(status: status, headers: [.contentType: "text/html; charset=utf-8"], body: ResponseBody(byteBuffer: ByteBuffer(string: page)))
    }
}
