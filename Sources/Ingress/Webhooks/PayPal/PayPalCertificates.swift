import FoundationEssentials
import Runtime
import Secrets
import Synchronization

/// PayPal's certificates, by address. A stranger who names other addresses can make this process fetch only a few files a minute from PayPal,
/// and cannot push out a certificate: only those that have verified a webhook are kept.
final class PayPalCertificates: Sendable {
    /// PayPal has one in use, and another while it is being replaced.
    static let maximumKept = 8
    /// A certificate is fetched again after a day, in seconds.
    static let life = 86_400.0
    /// The most fetches within `span` seconds. While no more are allowed, webhooks under certificates that are kept are verified as usual.
    static let maximumFetches = 10
    static let span = 60.0

    private struct State {
        var kept: [String: (certificate: SigningCertificate, since: Date)] = [:]
        /// The times of the latest fetches, at most `maximumFetches`.
        var fetches: [Date] = []
    }

    private let webhooks: PayPalWebhooks
    private let state = Mutex(State())
    private let flight = SingleFlight<String, SigningCertificate?>()

    init(_ webhooks: PayPalWebhooks) {
        self.webhooks = webhooks
    }

    /// Returns nil if PayPal has no such certificate.
    func certificate(_ url: String, now: Date) async throws(WebhookFault) -> SigningCertificate? {
        if let kept = state.withLock({ $0.kept[url] }), now.timeIntervalSince(kept.since) < Self.life { return kept.certificate }
        do {
            return try await flight.answer(url) {
                guard takeFetch(at: now) else { throw WebhookFault(detail: "Too many certificates are being fetched; send it again later.", isTemporary: true) }
                return try await webhooks.fetch(url).flatMap(SigningCertificate.init(pem:))
            }
        } catch let fault as WebhookFault {
            throw fault
        } catch {
            throw WebhookFault(detail: "PayPal's certificate could not be fetched; send it again later.", isTemporary: true)
        }
    }

    /// Keeps a certificate, because it has verified a webhook.
    func keep(_ certificate: SigningCertificate, _ url: String, now: Date) {
        state.withLock { state in
            if let kept = state.kept[url], kept.certificate === certificate { return }
            state.kept[url] = (certificate, now)
            guard state.kept.count > Self.maximumKept, let oldest = state.kept.min(by: { $0.value.since < $1.value.since })?.key else { return }
            state.kept[oldest] = nil
        }
    }

    private func takeFetch(at now: Date) -> Bool {
        state.withLock { state in
            state.fetches.removeAll { now.timeIntervalSince($0) >= Self.span }
            guard state.fetches.count < Self.maximumFetches else { return false }
            state.fetches.append(now)
            return true
        }
    }
}
