import AMQP
import Contracts
import FoundationEssentials
import Logging
import PostgreSQL
import Secrets
import TestKit
import Testing

@testable import JSON
@testable import Messaging

/// A worker's log lines about the messages that it handles.
@Suite struct HandlingLogTests {
    private static let order = UUID(uuid: (7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))
    private static let number = "W-1"

    private static let charge = Operation.command("payments.charge", reading: Operation.contract(Ledger.Entry.self)) { items, _ in
        try items.map { item in
            switch item.input.account {
            case "later": .failed(Failure("not-now", "try again", remedy: .retry))
            case "never": .failed(Failure("poison", "cannot be handled"))
            default: .done(emit: [try OutgoingMessage(.request("orders.checkouts.advance"), CheckoutEvent(orderID: order, kind: .charged))], note: "asked the gateway")
            }
        }
    }

    /// As sent by the ingress: it does not name the order yet.
    private static let place = Operation.command("carts.checkouts.create", reading: Operation.contract(Ledger.Entry.self)) { items, _ in
        try items.map { _ in .done(emit: [try OutgoingMessage(.request("payments.void"), VoidPayment(orderID: order))]) }
    }

    private static let refuse = Operation.command("carts.items.put", reading: Operation.contract(Ledger.Entry.self)) { items, _ in
        items.map { _ in .refused(.unavailable("Prices are unavailable at the moment.")) }
    }

    private static let get = Operation.query("orders.orders.get", reading: Operation.contract(Ledger.Entry.self)) { items, _ in
        items.map { _ in .done(Reply(status: 200)) }
    }

    private func lines(
        _ ledger: Ledger, _ account: String, operation: String = "payments.charge", names: Bool = true, level: Logger.Level = .info, again: Bool = false
    ) async throws -> [RecordedLines.Line] {
        let recorded = RecordedLines()
        let processor = ledger.processor([Self.charge, Self.place, Self.refuse, Self.get], logger: recorded.logger(level))
        var request = Request(id: UUID(), operation: operation, body: try JSON.encode(Ledger.Entry(account: account, amount: 1)))
        if names { request.subject = Subject(order: Self.order, number: Self.number) }
        request.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        request.requestID = "request-1"
        request.requester = Requester(replyTo: "replies", correlationID: "c")
        for tag in 1...(again ? 2 : 1) {
            await processor.process([Ledger.delivery(request.publication(durability: .durable, now: ledger.clock.now()), tag: UInt64(tag))])
        }
        await ledger.database.close()
        return recorded.lines
    }

    @Test func `a handled message about an order is one line with its identifiers and its outcome`() async throws {
        let lines = try await lines(Ledger(), "a")
        #expect(lines.count == 1)
        let line = try #require(lines.first)
        #expect(line.level == .info && line.message == "handled")
        #expect(line["operation"] == "payments.charge" && line["order"] == Self.order.lowerCaseText && line["order.number"] == Self.number)
        #expect(line["request.id"] == "request-1" && line["traceparent"]?.hasPrefix("00-0af7651916cd43dd8448eb211c80319c") == true)
        #expect(line["outcome"] == "asked the gateway, orders.checkouts.advance charged")
        #expect(line["message"] != nil && line["duration_ms"] != nil)
    }

    @Test func `the order is passed on to the messages that follow, with the id of the original request`() async throws {
        let ledger = try await Ledger()
        _ = try await lines(ledger, "a")
        let next = try Request(try #require(ledger.sent.first))
        #expect(next.subject == Subject(order: Self.order, event: "charged"))
        #expect(next.requestID == "request-1")
    }

    @Test func `a message that was handled before is logged as such`() async throws {
        let lines = try await lines(Ledger(), "a", again: true)
        #expect(lines.map { $0["outcome"] } == ["asked the gateway, orders.checkouts.advance charged", "handled before, orders.checkouts.advance charged"])
    }

    @Test func `a request that names no order yet can be found by the order that it creates`() async throws {
        let lines = try await lines(Ledger(), "a", operation: "carts.checkouts.create", names: false)
        #expect(lines.map { $0["order"] } == [Self.order.lowerCaseText])
    }

    @Test(arguments: [("later", Logger.Level.warning), ("never", .error)])
    func `a failing message names its order, too`(account: String, level: Logger.Level) async throws {
        let lines = try await lines(Ledger(), account)
        #expect(lines.map(\.level) == [level])
        #expect(lines.map { $0["order"] } == [Self.order.lowerCaseText])
        #expect(lines.map { $0["request.id"] } == ["request-1"])
    }

    @Test func `a command answered with a 5xx status is logged as a warning, with the detail that the client receives`() async throws {
        let lines = try await lines(Ledger(), "a", operation: "carts.items.put", names: false)
        #expect(lines.map(\.level) == [.warning])
        #expect(lines.map { $0["outcome"] } == ["status 503"])
        #expect(lines.map { $0["detail"] } == ["Prices are unavailable at the moment."])
        #expect(lines.map { $0["request.id"] } == ["request-1"])
    }

    @Test func `a message that cannot be read names the order of its headers`() async throws {
        let lines = try await lines(Ledger(), "a", operation: "no.such.operation")
        #expect(lines.map { $0["order"] } == [Self.order.lowerCaseText])
    }

    @Test func `queries, and commands about no order, are not logged at info`() async throws {
        #expect(try await lines(Ledger(), "a", operation: "orders.orders.get").isEmpty)
        let ledger = try await Ledger()
        let recorded = RecordedLines()
        await ledger.processor(logger: recorded.logger(.info)).process([try ledger.delivery(.init(account: "a", amount: 1), id: UUID(), tag: 1)])
        #expect(recorded.lines.isEmpty)
        await ledger.processor(logger: recorded.logger(.debug)).process([try ledger.delivery(.init(account: "a", amount: 1), id: UUID(), tag: 2)])
        #expect(recorded.lines.map(\.message) == ["handled"])
        await ledger.database.close()
    }

    @Test func `an order in untrusted headers is logged only if it is a UUID, and short`() {
        #expect(Subject([HeaderName.order: .string("x\n")]) == nil)
        let long = Subject([HeaderName.order: .string(Self.order.uuidString), HeaderName.orderNumber: .string(String(repeating: "9", count: 10_000))])
        #expect(long?.number?.count == 64)
    }
}
