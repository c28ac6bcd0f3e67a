import Contracts
import FoundationEssentials
import Logging
import PostgreSQL
import Secrets
import Synchronization
import TestKit
import Testing

@testable import JSON
@testable import Messaging
@testable import Notifications
@testable import ServiceKit

@Suite struct WaitingTests {
    private let transport = ScriptedTransport()
    private let ledger = SendingLedger()

    private func start() async throws -> (service: ServiceHarness, watch: WaitingWatch) {
        let service = try await ServiceHarness.notifications(transport, ledger: ledger, ask: { _, _, _ in Reply(status: 204) })
        return (service, WaitingWatch(database: service.database, ledger: ledger, clock: service.clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    private func event(_ email: String) throws -> Request {
        let line = OrderLine(sku: "CUP", name: "Cup", quantity: 1, unitPrice: Money(amount: 899, currency: "EUR"))
        let settled = OrderSettled(orderID: UUID(), number: "W-1", email: email, lines: [line], total: line.lineTotal, reason: nil)
        return try Request(MessageName.orderConfirmed, sending: settled)
    }

    @Test func `mails that wait are reported: how many, since when and why, until they have left`() async throws {
        let (service, watch) = try await start()
        #expect(try await watch.look() == [] && watch.problem == nil)
        let addresses = ["a@example.com", "b@example.com"]
        for address in addresses { transport.fail(address, with: DeliveryError("nothing listens at mail.example.com", .unavailable)) }
        let requests = try addresses.map(event)
        let begin = service.clock.now()
        _ = await service.send([requests[0], try event("c@example.com")])
        service.clock.advance(by: 4)
        let account = AccountMail(id: UUID(), userID: UUID(), kind: .passwordChanged, email: "b@example.com", name: "B")
        let mail = try Request(MessageName.accountMail, sending: account)
        _ = await service.send([mail])
        let waiting = [WaitingNotifications(channel: "email", count: 2, since: begin, reason: "nothing listens at mail.example.com")]
        #expect(try await watch.look() == waiting)
        #expect(watch.problem == "2 notifications by email wait since \(begin.ISO8601Format()): nothing listens at mail.example.com")
        for address in addresses { transport.fail(address, with: nil) }
        #expect(await service.send([requests[0]])[0].failure == nil)
        #expect(try await watch.look().map(\.count) == [1])
        #expect(await service.send([mail])[0].failure == nil)
        #expect(try await watch.look() == [] && watch.problem == nil)
    }

    @Test func `a refused mail does not wait: it is a dead letter`() async throws {
        let (service, watch) = try await start()
        transport.fail("a@example.com", with: DeliveryError("busy", .unavailable))
        let request = try event("a@example.com")
        _ = await service.send([request])
        transport.fail("a@example.com", with: DeliveryError("550 5.1.1 no such user", .refused))
        _ = await service.send([request])
        #expect(try await watch.look() == [])
    }

    @Test func `a mail that is no longer tried again does not wait`() async throws {
        let (service, watch) = try await start()
        transport.fail("a@example.com", with: DeliveryError("busy", .unavailable))
        _ = await service.send([try event("a@example.com")])
        service.clock.advance(by: WaitingStore.longestRung - 1)
        #expect(try await watch.look().map(\.count) == [1])
        service.clock.advance(by: 2)
        #expect(try await watch.look() == [])
        #expect(try await service.count("SELECT count(*) FROM waiting") == 0)
    }

    @Test func `a server that does not answer is reported while its batch is still under way`() async throws {
        let (service, watch) = try await start()
        transport.awaitCompany(of: 2)
        let request = try event("a@example.com")
        async let outcomes = service.send([request])
        try await eventually("The attempt has begun") { transport.mostRunning == 1 }
        #expect(try await watch.look() == [])
        service.clock.advance(by: WaitingWatch.timeout + 1)
        #expect(try await watch.look().map(\.count) == [1])
        #expect(watch.problem?.contains("no answer") == true)
        transport.awaitCompany(of: 0)
        #expect(await outcomes[0].failure == nil)
        #expect(try await watch.look() == [])
    }

    @Test func `one mail that a server keeps waiting in vain stands for the rest of its batch`() {
        let silence = SilentChannels()
        silence.note(DeliveryError("busy", .unavailable), of: "email", after: 1)
        silence.note(DeliveryError("550", .refused), of: "email", after: 60)
        #expect(silence.error(of: "email") == nil)
        silence.note(DeliveryError("no answer", .unavailable), of: "email", after: SilentChannels.timeout + 1)
        #expect(silence.error(of: "email")?.message == "no answer")
        #expect(silence.error(of: "sms") == nil)
    }

    @Test func `the answer of an erased customer's mail server is erased, too`() async throws {
        let (service, watch) = try await start()
        transport.fail("a@example.com", with: DeliveryError("450 a@example.com is busy", .unavailable))
        let request = try event("a@example.com")
        _ = await service.send([request])
        let order = try JSON.decode(OrderSettled.self, from: request.body).orderID
        let erasure = try Request(MessageName.eraseOrdersInNotifications, sending: ErasedOrders(orders: [order]))
        #expect(await service.send([erasure])[0].failure == nil)
        #expect(try await watch.look().map(\.reason) == [""])
    }
}
