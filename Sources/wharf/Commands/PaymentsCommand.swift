import ArgumentParser
import Assembly
import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging
import Operator
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
                return (try? await shell.endLetters(about: reply)) != nil
            }
            guard !hasEnded else { return }
            Role.complain("The decision is recorded, but its dead letter could not be ended: replay it with `wharf dead-letters replay ID`.")
            throw ExitCode.failure
        }
    }
}
