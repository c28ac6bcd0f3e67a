import Synchronization

/// The channels whose server has kept one notification of a batch waiting in vain: the rest of the batch does not wait as long, one after the other.
final class SilentChannels: Sendable {
    /// A failure that took longer than this many seconds means that the server is silent: one that is down or busy fails sooner.
    static let timeout = 5.0

    private let errors = Mutex<[String: DeliveryError]>([:])

    func error(of channel: String) -> DeliveryError? {
        errors.withLock { $0[channel] }
    }

    func note(_ error: DeliveryError, of channel: String, after seconds: Double) {
        guard error.reason == .unavailable, seconds > Self.timeout else { return }
        errors.withLock { $0[channel] = error }
    }
}
