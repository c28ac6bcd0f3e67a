import FoundationEssentials
import Glibc
import LocalServers
import TestKit
import Testing
import WebClient

@testable import JSON
@testable import LocalState
@testable import Up

/// A shop of its own: its time is moved by weeks.
@Suite(.serialized, .runningWharf, .timeLimit(.minutes(10))) struct `A shop whose time is moved` {
    private func advance(_ wharf: RunningWharf, by time: String) async throws {
        let root = URL(filePath: wharf.folder.path).deletingLastPathComponent().path
        let process = ManagedProcess(
            name: "wharf-dev clock", command: ProcessCommand(RunningWharf.developmentExecutable, ["clock", "advance", time], inheritsEnvironment: false, workingFolder: root),
            output: .file("\(root)/clock.log"))
        try await process.start()
        try await eventually("the end of wharf-dev clock") { await !process.isRunning }
        #expect(await process.exit == .exited(0))
    }

    @Test func `an unfinished payment is given up, and a session ends, without waiting`() async throws {
        let wharf = try RunningWharf.get()
        let admin = try Visitor.admin()
        let (customer, _) = try await Visitor.customer()
        let sku = try await admin.newProduct(stock: 1)
        let answer = try await Visitor.guest().checkout(try await Visitor.guest().newCart(sku), paying: "pm_card_authenticationRequired")
        #expect(answer["order", "state"] == "requiresAction")
        #expect(try await admin.stock(sku) == .init(onHand: 1, reserved: 1))
        try await advance(wharf, by: "1h")
        try await eventually("the order's end", within: .seconds(120)) {
            let order = try await Visitor.guest().get(try #require(answer.header("location")))
            return order["state"] == "rejected" && order["reason"] == "paymentTimeout"
        }
        try await eventually("the stock", within: .seconds(60)) { try await admin.stock(sku) == .init(onHand: 1, reserved: 0) }
        #expect(try await customer.get("/v1/users/me").status == 200)
        try await advance(wharf, by: "60d")
        try await eventually("the session's end", within: .seconds(60)) { try await customer.get("/v1/users/me").status == 401 }
        let later = try await Visitor.guest().checkout(try await Visitor.guest().newCart(sku))
        #expect(later["order", "state"] == "confirmed")
        let placed = try #require(later["order", "placedAt"]?.text)
        #expect(placed > Date(timeIntervalSinceNow: 59 * 86_400).ISO8601Format())
    }
}
