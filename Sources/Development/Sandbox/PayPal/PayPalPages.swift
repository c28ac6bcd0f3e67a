import Contracts
import FoundationEssentials
import HTTPTypes
import Hummingbird

/// The page on which a customer approves a payment or gives up, as PayPal's own does, with buttons for what may happen afterwards.
struct PayPalPages: Sendable {
    let ledger: PayPalLedger

    private struct Answer: Decodable {
        let outcome: PayPalPayment.Choice
    }

    func add(to router: Router<SandboxContext>) {
        router.get("checkoutnow") { request, _ in
            guard let payment = payment(request) else { return Self.html(.notFound, "<p>There is no such payment, or it has expired.</p>") }
            return Self.html(.ok, page(payment))
        }
        router.post("checkoutnow") { request, _ in
            guard let payment = payment(request) else { return Self.html(.notFound, "<p>There is no such payment, or it has expired.</p>") }
            let choice = try await choice(request)
            do {
                let chosen = try await ledger.change { book, now throws(PayPalError) in try book.choose(choice, of: payment.id, now: now) }
                return sendBack(chosen, choice)
            } catch let error as PayPalError {
                return Response(error.reply)
            }
        }
    }

    private func payment(_ request: Request) -> PayPalPayment? {
        let id = request.uri.queryParameters["token"].map(String.init) ?? ""
        return try? ledger.read { book throws(PayPalError) in try book.known(id, ledger.now()) }
    }

    private func choice(_ request: Request) async throws -> PayPalPayment.Choice {
        if request.headers[.contentType]?.lowercased().hasPrefix("application/json") ?? false {
            guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(try await request.bodyBytes())) else {
                throw StripeError.invalidRequest("The body must be {\"outcome\": …}, one of \(PayPalPayment.Choice.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            return answer.outcome
        }
        var reader = ParameterReader(try await request.formBody())
        guard let choice = try reader.choice("outcome", of: PayPalPayment.Choice.self) else { throw StripeError.missingParameter("outcome") }
        return choice
    }

    /// Redirects to the shop's page, with the parameters that PayPal adds.
    private func sendBack(_ payment: PayPalPayment, _ choice: PayPalPayment.Choice) -> Response {
        let isApproved = choice != .cancel
        guard let page = isApproved ? payment.returnURL : payment.cancelURL else {
            return Self.html(.ok, "<p>\(isApproved ? "Approved" : "Cancelled"). You may close this page.</p>")
        }
        let separator = page.contains("?") ? "&" : "?"
        let query = "token=\(payment.id)" + (isApproved ? "&PayerID=\(PayPalID.make().prefix(13))" : "")
        return Response(status: .seeOther, headers: [.location: page + separator + query])
    }

    /// The only outside data in the page are an id that was looked up, an amount that was parsed, and a description that is escaped.
    private func page(_ payment: PayPalPayment) -> String {
        let title = "<h1>PayPal sandbox</h1>\n<p>\((payment.description ?? "A payment").escapedForHTML): \(payment.amount.text) \(payment.amount.currency)</p>"
        guard payment.capture == nil else { return title + "\n<p>This payment is done.</p>" }
        return """
            \(title)
            <form method="post" action="/checkoutnow?token=\(payment.id)">
            <p><button name="outcome" value="approve">Pay now</button>
            <button name="outcome" value="cancel">Cancel and return to the shop</button></p>
            <p>For tests: <button name="outcome" value="decline">Pay with an instrument that is declined</button>
            <button name="outcome" value="review">Pay, under review</button>
            <button name="outcome" value="bank">Pay from a bank, refunded slowly</button></p>
            </form>
            """
    }

    private static func html(_ status: HTTPResponse.Status, _ content: String) -> Response { Response(status: status, page: "PayPal sandbox", content) }
}
