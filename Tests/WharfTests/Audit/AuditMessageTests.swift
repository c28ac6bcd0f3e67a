import Contracts
import FoundationEssentials
import Notifications
import Testing

@testable import Assembly
@testable import Audit
@testable import Messaging
@testable import ShopClient
@testable import Terminal
@testable import Topology

struct AuditMessageTests {
    private let rule: MessageRule
    private let then = AuditInvariantTests.then

    init() throws {
        rule = MessageRule(definitions: try Definitions(contentsOf: "\(RunningWharf.repository())/topology/definitions.json"))
    }

    private func sent(_ key: String, exchange: String = Exchange.requests, operation: String? = nil, isReplay: Bool = false) -> InboxTrail.Sent {
        InboxTrail.Sent(
            id: UUID(), input: UUID(), at: then, exchange: exchange, routingKey: key, operation: operation ?? key, isReplay: isReplay)
    }

    @Test(arguments: [
        (MessageName.place, ServiceName.orders), (MessageName.charge, .payments), (MessageName.reserve, .catalog), (MessageName.advance, .orders),
    ])
    func `a request must be handled by the service that its routing key leads to`(key: String, service: ServiceName) {
        #expect(rule.receivers(of: sent(key)) == [service])
    }

    @Test func `an event must be handled by its subscribers, a replay by the queue's service`() {
        #expect(rule.receivers(of: sent(MessageName.orderConfirmed, exchange: Exchange.events)) == [.notifications])
        #expect(rule.receivers(of: sent("payments.commands", exchange: Exchange.queues, operation: MessageName.charge, isReplay: true)) == [.payments])
    }

    @Test func `a replayed request that may be refused temporarily need not be remembered by any service`() {
        #expect(rule.receivers(of: sent("carts.commands", exchange: Exchange.queues, operation: "carts.items.put", isReplay: true)) == nil)
    }

    @Test func `a message that leads nowhere is reported`() {
        #expect(rule.receivers(of: sent("no.such.thing")) == [])
        #expect(rule.unroutable(sent("no.such.thing"), from: .orders).sentence.contains("requests → no.such.thing"))
    }

    @Test func `a missing message is accounted for by a waiting dead letter, and by a replay for a while`() throws {
        let message = sent(MessageName.charge)
        func missing(_ letter: DeadLetterIndex.Letter?) -> Finding? { rule.missing(message, from: .orders, at: .payments, letter: letter) }
        #expect(missing(.waits) == nil)
        #expect(try #require(missing(nil)).unchangedSince == then)
        #expect(try #require(missing(nil)).subject == "message \(message.id.text)")
        let replayed = then.addingTimeInterval(100)
        #expect(try #require(missing(.replayed(replayed))).unchangedSince == replayed)
    }

    @Test func `past the grace a missing message is in flight only while the broker holds messages for its receiver, and not for ever`() throws {
        let finding = try #require(
            rule.missing(sent(MessageName.charge), from: .orders, at: .payments, letter: nil))
        func isInFlight(after seconds: Double, _ queue: String? = nil) -> Bool {
            let backlog = BrokerBacklog(messages: queue.map { [$0: 1, "carts.commands": 0] } ?? [:])
            return Judge(now: then.addingTimeInterval(seconds), grace: 30, backlog: backlog).isInFlight(finding)
        }
        #expect(isInFlight(after: 29))
        #expect(!isInFlight(after: 31))
        for queue in ["payments.commands", "retry.30s.a", "dead-letters"] {
            #expect(isInFlight(after: 31, queue))
            #expect(!isInFlight(after: Judge.longestFlight + 1, queue))
        }
        #expect(!isInFlight(after: 31, "orders.commands"))
    }

    @Test func `a tally remembers suspects up to its bound and counts all`() {
        var tally = AuditTally(Judge(now: then, grace: 1, backlog: .init()))
        for number in 0..<(AuditTally.maximumRemembered + 5) {
            tally.check(.stock, StockSums(sku: "\(number)", onHand: 1, reserved: 0, moved: 0, sold: 0, held: 0).findings)
        }
        let report = AuditReport(tally, confirmed: tally.suspects, at: then, seconds: 1, notes: [])
        let row = report.rows.first { $0.invariant == .stock }
        #expect(row?.violations == AuditTally.maximumRemembered + 5)
        #expect(row?.named.count == AuditReport.maximumNamed)
        #expect(report.text(Paint(isColoured: false)).contains("… and \(AuditTally.maximumRemembered + 5 - AuditReport.maximumNamed) more"))
    }

    @Test func `notifications that wait are shown before they are late, and violate nothing`() throws {
        var tally = AuditTally(Judge(now: then, grace: 1, backlog: .init()))
        tally.wait([WaitingNotifications(channel: "email", count: 2, since: then, reason: "nothing listens")])
        var order = AuditInvariantTests.order("confirmed")
        order.notifications = [AuditInvariantTests.notice("orderConfirmed", result: "pending")]
        tally.wait(order.unansweredNotifications(at: AuditInvariantTests.then.addingTimeInterval(9)))
        #expect(tally.waiting.map(\.count) == [2])
        tally.wait(order.unansweredNotifications(at: AuditInvariantTests.then.addingTimeInterval(11)))
        let report = AuditReport(tally, confirmed: [:], at: then, seconds: 1, notes: [])
        #expect(report.isClean)
        #expect(report.text(Paint(isColoured: false)).contains("3 notifications by email wait since \(min(then, AuditInvariantTests.then).ISO8601Format()): nothing listens"))
        #expect(try report.json(pretty: false).contains(#""waiting":[{"channel":"email","count":3"#))
    }

    @Test func `a suspect of the second look alone is in flight, and nothing is violated`() throws {
        var tally = AuditTally(Judge(now: then, grace: 1, backlog: .init()))
        tally.check(.stock, StockSums(sku: "A", onHand: 1, reserved: 0, moved: 0, sold: 0, held: 0).findings)
        let report = AuditReport(tally, confirmed: [:], at: then, seconds: 1, notes: [])
        #expect(report.isClean)
        #expect(report.rows.first { $0.invariant == .stock }?.inFlight == 1)
        #expect(report.text(Paint(isColoured: false)).contains("Nothing is violated."))
        #expect(report.text(since: report, Paint(isColoured: false)) == "")
        #expect(try report.json(pretty: false).contains(#""invariant":"stock""#))
    }
}
