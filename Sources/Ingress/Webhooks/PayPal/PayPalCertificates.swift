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

    private struct Kept {
        let certificate: SigningCertificate
        let since: Date
        /// When it was last fetched again, successfully or not.
        var tried: Date
    }

    private struct State {
        var kept: [String: Kept] = [:]
        /// The times of the latest, at most `maximumFetches`.
        var fetches: [Date] = []
    }

    private let webhooks: PayPalWebhooks
    private let state = Mutex(State())
    private let flight = SingleFlight<String, SigningCertificate?>()

    init(_ webhooks: PayPalWebhooks) {
        self.webhooks = webhooks
    }

    /// Nil if PayPal has no such certificate. A kept certificate may be older than `life` if it cannot be fetched now; the caller checks its dates.
    func certificate(_ url: String, now: Date) async throws(WebhookFault) -> SigningCertificate? {
        if let kept = state.withLock({ $0.kept[url] }) {
            return takeRenewal(of: url, at: now) ? await renew(kept.certificate, url, now) : kept.certificate
        }
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
            guard state.kept[url] == nil else { return }
            state.kept[url] = Kept(certificate: certificate, since: now, tried: now)
            guard state.kept.count > Self.maximumKept, let oldest = state.kept.min(by: { $0.value.since < $1.value.since })?.key else { return }
            state.kept[oldest] = nil
        }
    }

    /// Whether to fetch the certificate again now, at most once in `span`. This does not count towards `maximumFetches`, which strangers can use up.
    private func takeRenewal(of url: String, at now: Date) -> Bool {
        state.withLock { state in
            guard let kept = state.kept[url], now.timeIntervalSince(kept.since) >= Self.life, now.timeIntervalSince(kept.tried) >= Self.span else { return false }
            state.kept[url]?.tried = now
            return true
        }
    }

    /// Fetches a certificate that has verified webhooks before; returns `old` if PayPal does not answer.
    private func renew(_ old: SigningCertificate, _ url: String, _ now: Date) async -> SigningCertificate? {
        do {
            let new = try await webhooks.fetch(url).flatMap(SigningCertificate.init(pem:))
            state.withLock { $0.kept[url] = new.map { Kept(certificate: $0, since: now, tried: now) } }
            return new
        } catch {
            return old
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
