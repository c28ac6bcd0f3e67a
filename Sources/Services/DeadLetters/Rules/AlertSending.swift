import Contracts
import FoundationEssentials
import JSON
import Messaging
import PostgreSQL
import Runtime
import Secrets
import WebClient

/// Posts signed alerts to the operators' webhook. An alert that cannot be delivered climbs the retry ladder, like any message; the receiver may get it twice.
struct AlertSending: Sendable {
    static let maximumConcurrent = 4
    static let timeout: Duration = .seconds(10)
    /// `t=<seconds since 1970>,v1=<HMAC-SHA256 of "<t>.<body>" under the secret, in hexadecimal>`
    static let signatureHeader = "wharf-signature"

    let webhook: DeadLetterRules.Alert.Webhook?
    let transport: (any HTTPTransport)?
    let clock: any WallClock

    func send(_ items: [AlertDelivery.Item]) async -> [Failure?] {
        await items.concurrentMap(limit: Self.maximumConcurrent) { await send($0.plan, id: $0.item.request.id) }
    }

    /// Returns nil if it arrived.
    private func send(_ alert: DeadLetterAlert, id: UUID) async -> Failure? {
        guard let webhook, let transport else { return Failure("alert-unconfigured", "this worker has no alert webhook configured", remedy: .retry) }
        do {
            let body = try JSON.encode(alert)
            let seconds = String(Int(clock.now().timeIntervalSince1970))
            let code = HMACSHA256.authenticate(Array("\(seconds).".utf8) + body, key: Array(webhook.secret().utf8))
            let response = try await transport.send(
                WebRequest(
                    method: "POST", url: webhook.url,
                    headers: [
                        ("content-type", "application/json"), (Self.signatureHeader, "t=\(seconds),v1=\(Hex.encode(code))"), ("idempotency-key", id.lowerCaseText),
                    ], body: body, timeout: Self.timeout))
            return (200..<300).contains(response.status) ? nil : Failure("alert-refused", "the webhook answered \(response.status)", remedy: .retry)
        } catch {
            return Failure("alert-undelivered", "\(error)", remedy: .retry)
        }
    }
}
