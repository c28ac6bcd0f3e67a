import ArgumentParser
import Assembly
import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging
import Secrets
import Terminal

struct PaymentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "payments", abstract: "Lists payments that need a decision, settles them, and compares all payments with the gateway's list.",
        discussion: "Exit status 0: done. 1: refused, or no answer came. 78: a setting is wrong. The status of reconcile also says what it found.",
        subcommands: [Unresolved.self, Settle.self, Reconcile.self], defaultSubcommand: Unresolved.self)

    struct Unresolved: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists payments that need a decision, newest first.")

        @Option(help: "The maximum number to list, up to \(PageRequest.maximumLimit).") var limit = PageRequest.defaultLimit
        @Option(help: "Where the previous page ended.") var cursor: String?

        func run() async throws {
            var parameters = ["limit": String(limit)]
            parameters["cursor"] = cursor
            let query = parameters
            let reply = try await ShellRequests.run("payments") { try await $0.reply("payments.unresolved.list", .query, query).checked() }
            Console.print(String(decoding: reply.body, as: UTF8.self) + "\n")
        }
    }

    struct Settle: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Records what was decided about money that the gateway neither returns nor takes.",
            discussion: """
                Moves no money: it records what was done outside the gateway, by whom, when and why. The order and the list of unresolved payments show it, and the \
                dead letter is closed. What was refunded elsewhere can no longer be refunded through the gateway.

                Exit status 0: recorded. 1: refused, or no answer came. 78: a setting is wrong.
                """)

        enum Way: String, ExpressibleByArgument, CaseIterable {
            /// The customer got the money back in another way.
            case refunded
            /// No money is returned.
            case writtenOff = "written-off"

            var settlement: Settlement { self == .refunded ? .refundedElsewhere : .writtenOff }
        }

        @Flag(name: .customLong("by-hand"), help: "Required: nothing is sent to the gateway.") var isByHand = false
        @Option(name: .customLong("as"), help: "What was done: refunded (elsewhere), or written-off.") var way: Way
        @Option(help: "Why, and how, in up to 500 characters.") var note: String
        @Argument(help: "The id that `wharf payments unresolved` lists, or the id of an order of which one payment waits.") var payment: String

        func validate() throws {
            if !isByHand { throw ValidationError("Give --by-hand: this command records what was done outside the gateway, and returns no money.") }
        }

        func run() async throws {
            let body = try JSON.encode(["settlement": way.settlement.rawValue, "note": note])
            let payment = payment
            let hasEnded = try await ShellRequests.run("payments") { shell in
                let reply = try await shell.reply("payments.unresolved.settle", .command, ["id": payment], body: body).checked()
                Console.print(String(decoding: reply.body, as: UTF8.self) + "\n")
                return (try? await PaymentsCommand.endLetters(about: reply, shell)) != nil
            }
            guard !hasEnded else { return }
            Role.complain("The decision is recorded, but its dead letter could not be ended: replay it with `wharf dead-letters replay ID`.")
            throw ExitCode.failure
        }
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

    /// Replays the dead letters of what was settled: payments finds nothing left to decide. Only the newest hundred are searched; an older one ends
    /// in the same way when it is replayed by hand.
    private static func endLetters(about reply: Reply, _ shell: ShellRequests) async throws {
        let settled = try JSON.decode(Settled.self, from: reply.body)
        let list = try await shell.reply("deadletters.letters.list", .query, ["queue": "payments.commands", "limit": String(PageRequest.maximumLimit)])
        for letter in (try? JSON.decode(Letters.self, from: list.body).items) ?? [] where letter.operation == MessageName.unresolved {
            let whole = try await shell.reply("deadletters.letters.get", .query, ["id": letter.id])
            guard let text = try? JSON.decode(Letters.Letter.self, from: whole.body).body,
                let about = try? JSON.decode(UnresolvedPayment.self, from: Array(text.utf8)), about.orderID == UUID(text: settled.orderId),
                settled.kind == "refund" ? about.refundID == UUID(text: settled.id) : about.refundID == nil
            else { continue }
            _ = try await shell.reply("deadletters.letters.replay", .durable, ["id": letter.id])
        }
    }
}
