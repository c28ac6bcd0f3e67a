import Logging
import ServiceLifecycle

/// Completes what takes time at banks: refunds, direct debits, and authorisations that are not captured in time.
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
                    logger.warning("due refunds and payments could not be completed; they will be tried again", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }
}
