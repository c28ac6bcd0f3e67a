import ArgumentParser
import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging
import Secrets

struct PaymentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "payments", abstract: "Lists payments that need a decision, settles them, and compares all payments with the gateway's list.",
        subcommands: [Unresolved.self, Settle.self, Reconcile.self], defaultSubcommand: Unresolved.self)

    struct Unresolved: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists payments that need a decision, newest first.")

        @Option(help: "The most to list, up to \(PageRequest.maximumLimit).") var limit = PageRequest.defaultLimit
        @Option(help: "Where the previous page ended.") var cursor: String?

        func run() async throws {
            var parameters = ["limit": String(limit)]
            parameters["cursor"] = cursor
            let query = parameters
            let reply = try await Shell.run("payments") { try await $0.ask("payments.unresolved.list", .query, query) }
            try PaymentsCommand.show(reply)
        }
    }

    struct Settle: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends the wait for a decision about money that the gateway does not return or take.",
            discussion: """
                Returns no money: it records what was done outside the gateway, by whom, when and why. The order and the list of unresolved payments follow, and \
                the dead letter ends. What was refunded elsewhere cannot be refunded through the gateway any more.
                """)

        enum Way: String, ExpressibleByArgument, CaseIterable {
            /// The customer has the money by another way.
            case refunded
            /// No money goes back.
            case writtenOff = "written-off"

            var settlement: Settlement { self == .refunded ? .refundedElsewhere : .writtenOff }
        }

        @Flag(name: .customLong("by-hand"), help: "Required: nothing is sent to the gateway.") var isByHand = false
        @Option(name: .customLong("as"), help: "What was done: refunded elsewhere, or written off.") var way: Way
        @Option(help: "Why, and how, in up to 500 characters.") var note: String
        @Argument(help: "The id that `wharf payments unresolved` lists, or an order's id where one payment of it waits.") var payment: String

        func validate() throws {
            if !isByHand { throw ValidationError("Give --by-hand: this command records what was done outside the gateway, and returns no money.") }
        }

        func run() async throws {
            let body = try JSON.encode(["settlement": way.settlement.rawValue, "note": note])
            let payment = payment
            let hasEnded = try await Shell.run("payments") { shell in
                let reply = try await shell.ask("payments.unresolved.settle", .command, ["id": payment], body: body)
                try PaymentsCommand.show(reply)
                return (try? await PaymentsCommand.endLetters(about: reply, shell)) != nil
            }
            guard !hasEnded else { return }
            throw ValidationError("The decision is recorded, but its dead letter could not be ended: replay it with `wharf dead-letters replay ID`.")
        }
    }

    private static func show(_ reply: Reply) throws {
        print(String(decoding: reply.body, as: UTF8.self))
        if reply.status >= 400 { throw ExitCode(1) }
    }

    private struct Settled: Decodable {
        let kind: String
        let id: String
        let orderId: String
    }

    private struct Letters: Decodable {
        struct Letter: Decodable {
            let id: String
            let operation: String?
            let body: String?
        }

        let items: [Letter]
    }

    /// Replays the dead letters that stand for what was settled: payments finds nothing left to decide. The newest hundred are looked through; an older one ends
    /// in the same way when it is replayed by hand.
    private static func endLetters(about reply: Reply, _ shell: Shell) async throws {
        let settled = try JSON.decode(Settled.self, from: reply.body)
        let list = try await shell.ask("deadletters.letters.list", .query, ["queue": "payments.commands", "limit": String(PageRequest.maximumLimit)])
        for letter in (try? JSON.decode(Letters.self, from: list.body).items) ?? [] where letter.operation == MessageName.unresolved {
            let whole = try await shell.ask("deadletters.letters.get", .query, ["id": letter.id])
            guard let text = try? JSON.decode(Letters.Letter.self, from: whole.body).body,
                let about = try? JSON.decode(UnresolvedPayment.self, from: Array(text.utf8)), about.orderID == UUID(text: settled.orderId),
                settled.kind == "refund" ? about.refundID == UUID(text: settled.id) : about.refundID == nil
            else { continue }
            _ = try await shell.ask("deadletters.letters.replay", .durable, ["id": letter.id])
        }
    }
}
