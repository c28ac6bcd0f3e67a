import Foundation
import JSON
import LocalServers
import LocalState
import Messaging
import TestKit
import Testing

extension System {
    /// The tools of a running shop, as they are used in scripts.
    @Suite struct `Pipes` {
        @Test(arguments: [["status"], ["dead-letters"], ["audit", "--grace", "1"], ["audit", "--watch", "1"], ["topology", "check"], ["settings"]])
        func `a reader that closes the pipe ends no tool by a signal`(command: [String]) async throws {
            let wharf = try RunningWharf.get()
            let folder = URL(filePath: wharf.folder.path).deletingLastPathComponent().path
            let process = ManagedProcess(
                name: "bash",
                command: ProcessCommand(
                    "/bin/bash", ["-c", #""$@" | true; exit "${PIPESTATUS[0]}""#, "bash", RunningWharf.executable] + command, inheritsEnvironment: false,
                    workingFolder: folder), output: .file("/dev/null"))
            try await process.start()
            let exit = try #require(await process.exit)
            #expect([.exited(0), .exited(1), .exited(2)].contains(exit), "\(command) ended with \(exit)")
        }
    }

    /// The logs of all processes, searched for one order as an operator does.
    @Suite struct `Logs` {
        @Test func `the id of an order finds its log lines, in order, over all services`() async throws {
            let admin = try Visitor.admin()
            let guest = try Visitor.guest()
            let cart = try await guest.newCart(try await admin.newProduct())
            let email = "\(UUID().uuidString.lowercased())@example.com"
            let answer = try await guest.checkout(cart, email: email)
            #expect(answer["order", "state"] == "confirmed")
            let order = try #require(answer["order", "id"]?.text)
            let number = try #require(answer["order", "number"]?.text)
            let request = try #require(answer.header("x-request-id"))
            let story = [
                "carts.checkouts.create orders.checkouts.place", "orders.checkouts.place catalog.stock.reserve, status 202",
                "catalog.stock.reserve payments.charge", "payments.charge orders.checkouts.advance charged, catalog.stock.sell",
                "orders.checkouts.advance order.confirmed", "order.confirmed mail sent",
            ]
            // The sale is booked meanwhile.
            try await eventually("The whole story") {
                try Set(guest.wharf.lines(about: order).map(\.step)).isSuperset(of: [story[5], "catalog.stock.sell done"])
            }
            let lines = try guest.wharf.lines(about: order)
            let steps = lines.filter { story.contains($0.step) }
            #expect(Set(steps.map(\.step)) == Set(story), "\(lines.map(\.step))")
            for (earlier, later) in zip(story, story.dropFirst()) {
                let times = [earlier, later].compactMap { step in steps.first { $0.step == step }?.at }
                #expect(times == times.sorted(), "\(earlier), then \(later)")
            }
            #expect(steps.allSatisfy { $0["request.id"] == request && $0["message"]?.isEmpty == false && $0["traceparent"] != nil })
            #expect(Set(steps.compactMap { $0["traceparent"] }).count == 1)
            #expect(steps.contains { $0["order.number"] == number })
            #expect(lines.contains { $0.says("answered", in: "ingress") && $0["request.id"] == request })
            // The guest's cart id and token are his secrets, and the address is his own.
            let token = try #require(answer["token"]?.text)
            for (name, text) in try guest.wharf.logs() {
                for secret in [cart, cart.uppercased(), token, email] { #expect(!text.contains(secret), "\(secret) is in \(name)") }
            }
        }

        @Test func `a refused order is logged as such, and a dead message of an order is found by the order`() async throws {
            let admin = try Visitor.admin()
            let answer = try await admin.checkout(try await admin.newCart(try await admin.newProduct()), paying: "pm_card_chargeDeclined")
            let order = try #require(answer["order", "id"]?.text)
            try await ForeignMessage(type: "no.such.operation", headers: ["order": .string(order)]).put(into: "payments.commands", of: admin.wharf)
            try await eventually("The refusal and the dead letter") {
                let lines = try admin.wharf.lines(about: order)
                return lines.contains { $0.step == "payments.charge orders.checkouts.advance paymentDeclined" }
                    && lines.contains { $0.step.hasPrefix("orders.checkouts.advance order.rejected") || $0.step.hasPrefix("order.rejected ") }
                    && lines.contains { $0.says("dead letter", in: "payments") }
                    && lines.contains { $0.says("dead letter stored", in: "deadletters") }
            }
        }
    }
}

/// One line of a log, as people read it.
private struct LogLine {
    let at: Substring
    let text: String

    init?(_ text: Substring) {
        guard let at = text.split(separator: " ", maxSplits: 1).first else { return nil }
        self.at = at
        self.text = String(text)
    }

    /// The value of the key, without its quotes.
    subscript(_ key: String) -> String? {
        guard let place = text.range(of: " \(key)=") else { return nil }
        let rest = text[place.upperBound...]
        guard rest.first == "\"" else { return String(rest.prefix { $0 != " " }) }
        return String(rest.dropFirst().prefix { $0 != "\"" })
    }

    /// What was handled, and its outcome.
    var step: String { "\(self["operation"] ?? "") \(self["outcome"] ?? "")" }

    func says(_ message: String, in role: String) -> Bool { text.contains("  \(message)  ") && self["role"] == role }
}

extension RunningWharf {
    /// The lines that hold this text, oldest first.
    fileprivate func lines(about text: String) throws -> [LogLine] {
        try logs().flatMap { $0.text.split(separator: "\n") }.filter { $0.contains(text) }.compactMap(LogLine.init).sorted { $0.at < $1.at }
    }
}
