import Logging
import ServiceLifecycle

/// Ends refunds that take their time, as banks do.
struct RefundEnds: Service {
    static let interval: Duration = .milliseconds(250)

    let ledger: PaymentLedger
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await ledger.endRefunds()
                } catch {
                    logger.warning("a refund could not be completed; it is tried again", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }
}
