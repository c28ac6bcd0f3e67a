import FoundationEssentials
import Secrets
import WebClient

/// Stripe's customers, and the payment methods that it saves for them. Stripe learns no name and no address: its customer carries our id alone.
extension StripeGateway {
    private struct Named: Decodable {
        let id: String
    }

    private struct Method: Decodable {
        let customer: String?
    }

    public func createCustomer(for user: UUID) async throws(GatewayError) -> String {
        let key = UUID.v5(namespace: user, name: "customer")
        let response = try await sendAgain("POST", "/v1/customers", [("metadata[user_id]", user.lowerCaseText)], idempotencyKey: key)
        if response.status == 200 { return try read(response, "the new customer", as: Named.self).id }
        throw failure(response)
    }

    public func deleteCustomer(_ customer: String) async throws(GatewayError) {
        let response = try await send("DELETE", "/v1/customers/\(PercentEncoding.encode(customer))")
        guard response.status == 200 || response.status == 404 else { throw failure(response) }
    }

    public func detachMethod(_ method: String) async throws(GatewayError) {
        let path = "/v1/payment_methods/\(PercentEncoding.encode(method))"
        let response = try await send("POST", "\(path)/detach")
        if response.status == 200 || response.status == 404 { return }
        // Stripe also refuses to detach a method that is already detached.
        let found = try await send("GET", path)
        if found.status == 404 { return }
        if try read(found, "the payment method", as: Method.self).customer != nil { throw failure(response) }
    }

    /// The error that an unsuccessful answer reports.
    func failure(_ response: WebResponse) -> GatewayError {
        let error = StripeFailure(response)
        let answer = "Stripe answered \(response.status) (\(error.code ?? error.type)): \(error.summary)"
        return error.isRefusal(status: response.status) ? .refused(answer) : .unknown(answer)
    }
}
