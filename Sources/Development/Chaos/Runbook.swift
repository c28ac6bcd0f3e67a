import FoundationEssentials
import Terminal
import Up

/// An operator's steps after a fault that the shop cannot repair by itself: the commands of `wharf`, as they are entered on a terminal.
struct Runbook: Sendable {
    /// How far back messages are sent again: longer than a message waits in a queue of a healthy shop.
    private static let reach = 60.0
    private static let limit = Duration.seconds(60)
    private static let attempts = 3

    private let shop: ChaosShop

    init(_ shop: ChaosShop) {
        self.shop = shop
    }

    /// Queues or bindings are missing: they are restored, and the messages that may have been lost with them are sent again.
    func topologyLost() async throws {
        try await wharf(["topology", "apply"])
        try await wharf(["inbox", "republish", "--since", Date(timeIntervalSinceNow: -Self.reach).ISO8601Format()])
    }

    /// A failed step is retried: connections may just be coming back.
    private func wharf(_ arguments: [String]) async throws {
        let program = Program(name: shop.executables.wharf, arguments: arguments, workingFolder: shop.folder.path)
        for attempt in 1...Self.attempts {
            do {
                _ = try await program.run(within: Self.limit)
                return
            } catch let error as ProgramError {
                guard attempt < Self.attempts else { throw ChaosError(.failed, "wharf \(arguments.joined(separator: " ")): \(error)") }
            }
        }
    }
}
