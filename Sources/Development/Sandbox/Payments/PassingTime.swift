import Logging
import ServiceLifecycle

/// Ends what takes its time at banks: refunds, direct debits, authorisations that nobody captures.
struct PassingTime: Service {
    static let interval: Duration = .milliseconds(250)

    let ledger: PaymentLedger
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await ledger.passTime()
                } catch {
                    logger.warning("what is due could not be completed; it is tried again", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }
}
