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
        /// The latest attempt to fetch it anew.
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

    /// Nil when PayPal has no such certificate. One that is kept may be older than `life` when it cannot be fetched now: the caller checks its dates.
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

    /// Whether the certificate is to be fetched again now. That needs no place among the fetches, which strangers can use up; once in `span` it is its own bound.
    private func takeRenewal(of url: String, at now: Date) -> Bool {
        state.withLock { state in
            guard let kept = state.kept[url], now.timeIntervalSince(kept.since) >= Self.life, now.timeIntervalSince(kept.tried) >= Self.span else { return false }
            state.kept[url]?.tried = now
            return true
        }
    }

    /// What PayPal has at an address that has proved itself; `old` while PayPal does not answer.
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
