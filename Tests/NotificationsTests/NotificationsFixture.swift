import Contracts
import Testing

@testable import Messaging
@testable import Notifications
@testable import ServiceKit

extension ServiceHarness {
    /// Notifications that send mail by this transport; nobody answers them unless `ask` does.
    static func notifications(
        _ transport: ScriptedTransport, others: [any NotificationChannel] = [], ledger: SendingLedger = SendingLedger(),
        ask: @escaping RequestClient.Ask = { _, _, _ in throw RequestClient.Unanswered.timedOut }
    ) async throws -> ServiceHarness {
        let clock = SetClock()
        let sender = try #require(MailAddress("Wharf <shop@example.com>"))
        return try await ServiceHarness(
            NotificationsService.definition(
                email: EmailChannel(transport: transport, sender: sender), others: others, ledger: ledger, ask: ask, clock: clock,
                randomness: TestRandomness()),
            NotificationsService.migrations, clock: clock)
    }
}
