import ArgumentParser
import Contracts
import FoundationEssentials
import JSON
import Messaging
import Operator
import Terminal

struct CheckoutsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkouts", abstract: "Lists running checkouts, shows one with all its messages, and resolves stuck ones.",
        discussion: "Exit status 0: done. 1: refused, or no answer came. 78: a setting is wrong.",
        subcommands: [List.self, Show.self, Retry.self, Compensate.self, Assign.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists checkouts that have not ended, oldest first.")

        @Option(help: "The step that it waits for: reserving, charging, awaitingCustomer, booked, confirming, voiding, releasing or reopening.") var state: String?
        @Flag(help: "Only checkouts whose step was repeated three times or more without an answer.") var stuck = false
        @Option(help: "Only checkouts placed longer ago than this, such as 90s, 15m, 36h or 8d.") var olderThan: String?
        @OptionGroup var options: ListOptions

        func run() async throws {
            var parameters: [String: String] = [:]
            parameters["state"] = state
            if stuck { parameters["stuck"] = "true" }
            parameters["olderThan"] = olderThan
            let printer = ListPrinter(options: options, columns: CheckoutLine.columns(at: Date()), emptiness: "No running checkout matches.")
            let query = parameters
            try await ShellRequests.run("checkouts") { try await printer.print("orders.checkouts.list", query, $0) }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows one order's checkout: its steps, what operators did, and its messages as a waterfall.",
            discussion: "In a pipe the messages are tab-separated lines: depth, operation, service, sent, handled, milliseconds, id.")

        @Argument(help: "The order's id or number.") var order: String
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let (order, json) = (order, json)
            try await ShellRequests.run("checkouts") { shell in
                let id = try await shell.orderID(order)
                let reply = try await shell.accepted("orders.checkouts.get", .query, ["id": id])
                if json {
                    Console.print(String(decoding: reply.body, as: UTF8.self) + "\n")
                } else {
                    Console.print(CheckoutText(try JSON.decode(from: reply.body), terminal: .own).text)
                }
            }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Requests the current step again at once.",
            discussion: "Services act once for each order, so this is safe if the step is only slow.")

        @Argument(help: "The order's id or number.") var order: String
        @OptionGroup var caution: Caution

        func run() async throws {
            try await CheckoutsCommand.change(order, "orders.checkouts.retry", .durable, caution) { ("Retry \($0.step) of order \($0.name)?", true) }
        }
    }

    struct Compensate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Gives an order up as its deadline would: cancels or refunds the payment, releases the stock and opens the cart again.",
            discussion: "Possible until its payment is known to have succeeded; after that, cancel the order.")

        @Argument(help: "The order's id or number.") var order: String
        @Option(help: "The reason, shown in the order's history.") var reason: String?
        @OptionGroup var caution: Caution

        func run() async throws {
            let body = try reason.map { try JSON.encode(["reason": $0]) } ?? []
            try await CheckoutsCommand.change(order, "orders.checkouts.compensate", .durable, caution, body: body) {
                ("Give up order \($0.name) of \($0.customer.email.printable) (\($0.payment.total.text)), now \($0.state.printable)? The customer will be notified.", true)
            }
        }
    }

    struct Assign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Assigns an order to an operator.")

        @Argument(help: "The order's id or number.") var order: String
        @Argument(help: "The operator's name or address. (default: you)") var operatorName: String?
        @Flag(help: "Remove the assignment.") var remove = false
        @OptionGroup var caution: Caution

        func validate() throws {
            if remove, operatorName != nil { throw ValidationError("Give either a name or --remove.") }
        }

        func run() async throws {
            let name = remove ? nil : operatorName ?? ShellRequests.person
            let body = try JSON.encode(["assignee": name])
            try await CheckoutsCommand.change(order, "orders.checkouts.assign", .command, caution, body: body) { checkout in
                // Only a reassignment needs a confirmation.
                let holder = checkout.assignment?.assignee
                let current = holder.map { "assigned to \($0.printable)" } ?? "unassigned"
                let change = name.map { "Assign it to \($0.printable)?" } ?? "Remove the assignment?"
                return ("Order \(checkout.name) is \(current). \(change)", holder != nil && holder != name)
            }
        }
    }

    struct Caution: ParsableArguments, Sendable {
        @Flag(help: "Show what would be done, and change nothing.") var dryRun = false
        @OptionGroup var confirmation: Confirmation
    }

    /// Shows the change, asks for confirmation if needed, and makes the change.
    /// - Parameter question: The question, and whether it has to be asked.
    private static func change(
        _ order: String, _ operation: String, _ durability: Durability, _ caution: Caution, body: [UInt8] = [],
        question: @escaping @Sendable (CheckoutReport) -> (text: String, isAsked: Bool)
    ) async throws {
        try await ShellRequests.run("checkouts") { shell in
            let id = try await shell.orderID(order)
            let before: CheckoutReport = try await shell.get("orders.checkouts.get", ["id": id])
            let (text, isAsked) = question(before)
            if caution.dryRun { return _ = Console.print("\(text) Nothing was changed.\n") }
            if isAsked { try await caution.confirmation.ask(text) }
            let reply = try await shell.accepted(operation, durability, ["id": id], body)
            if !reply.body.isEmpty { Console.print(String(decoding: reply.body, as: UTF8.self) + "\n") }
        }
    }
}

extension OperatorRequests {
    /// The id of the order with this id or number.
    func orderID(_ text: String) async throws -> String {
        if UUID(uuidString: text) != nil { return text }
        let found = try await get(Listed<FoundOrder>.self, "orders.orders.list", ["number": text, "limit": "1"])
        guard let order = found.items.first else { throw ValidationError("There is no order '\(text.printable)'.") }
        return order.id
    }
}

/// An order in a list.
private struct FoundOrder: Decodable, Sendable {
    let id: String
}
