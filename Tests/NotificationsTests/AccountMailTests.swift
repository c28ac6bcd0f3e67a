import Contracts
import FoundationEssentials
import PostgreSQL
import Secrets
import Synchronization
import Testing

@testable import JSON
@testable import Messaging
@testable import Notifications
@testable import ServiceKit

/// Takes the place of users: remembers the hashes that it receives, and answers as a test specifies.
private final class ScriptedUsers: Sendable {
    private struct State {
        var armed: [ArmLink] = []
        var status: Int? = 204
    }

    private let state = Mutex(State())

    var armed: [ArmLink] { state.withLock { $0.armed } }
    /// Nil for no answer.
    func answer(_ status: Int?) { state.withLock { $0.status = status } }

    func ask(_ request: Request) throws -> Reply {
        let link = try JSON.decode(ArmLink.self, from: request.body)
        return try state.withLock { state in
            guard request.operation == MessageName.armLink, let status = state.status else { throw RequestClient.Unanswered.timedOut }
            if status == 204 { state.armed.append(link) }
            return Reply(status: status)
        }
    }
}

@Suite struct AccountMailTests {
    private let transport = ScriptedTransport()
    private let users = ScriptedUsers()

    private func start() async throws -> ServiceHarness {
        try await ServiceHarness.notifications(transport, ask: { [users] request, _, _ in try users.ask(request) })
    }

    private func message(_ mail: AccountMail) throws -> Request {
        try Request(MessageName.accountMail, sending: mail)
    }

    private func reset(_ service: ServiceHarness, _ email: String = "ada@example.com", seconds: TimeInterval = 3_600) -> AccountMail {
        AccountMail(id: UUID(), userID: UUID(), kind: .passwordReset, email: email, name: "Ada <Byron>", expiresAt: service.clock.now().addingTimeInterval(seconds))
    }

    private func token(in mail: Mail) throws -> String {
        let lines = mail.text.split(separator: "\n").map { $0.drop { $0 == " " } }
        return String(try #require(lines.first { $0.utf8.count == 43 && !$0.contains(" ") }))
    }

    @Test func `users know a token's hash before its mail is sent, and the token is in the mail alone`() async throws {
        let service = try await start()
        let mail = reset(service)
        let request = try message(mail)
        #expect(await service.send([request])[0].failure == nil)
        let sent = try #require(transport.sent.first)
        let token = try token(in: sent)
        #expect(sent.html.contains("<code>\(token)</code>"))
        #expect(sent.html.contains("Ada &lt;Byron&gt;") && sent.text.contains("Hello Ada <Byron>,"))
        #expect(users.armed.map(\.id) == [mail.id])
        #expect(users.armed.map(\.tokenHash) == [SHA256.hex(token)])
        #expect(!String(decoding: request.body, as: UTF8.self).contains(token))
        let hits = try await service.count(
            "SELECT (SELECT count(*) FROM notifications WHERE notifications::text LIKE '%' || \(token) || '%') + (SELECT count(*) FROM inbox WHERE outputs::text LIKE '%' || \(token) || '%')")
        #expect(hits == 0)
        #expect(String(decoding: sent.message, as: UTF8.self).contains("\r\n  \(token)\r\n"), "nothing breaks the line that it stands on")
    }

    @Test func `a mail is sent once, however often it is requested`() async throws {
        let service = try await start()
        let mail = reset(service)
        let first = try message(mail)
        for batch in [[first], [first], [try message(mail)]] { #expect(await service.send(batch).allSatisfy { $0.failure == nil }) }
        #expect(transport.sent.count == 1)
    }

    @Test func `while users or the mail server are down the mail waits, and each attempt has a token of its own`() async throws {
        let service = try await start()
        let request = try message(reset(service))
        users.answer(nil)
        #expect(await service.send([request])[0].failure?.remedy == .retry)
        users.answer(503)
        #expect(await service.send([request])[0].failure?.remedy == .retry)
        #expect(transport.sent.isEmpty)
        users.answer(204)
        transport.fail("ada@example.com", with: DeliveryError("busy", .unavailable))
        #expect(await service.send([request])[0].failure?.remedy == .retry)
        transport.fail("ada@example.com", with: nil)
        #expect(await service.send([request])[0].failure == nil)
        let sent = try #require(transport.sent.first)
        #expect(transport.sent.count == 1 && users.armed.count == 2)
        #expect(try users.armed.last?.tokenHash == SHA256.hex(token(in: sent)), "the one that was sent is the one that counts")
    }

    @Test func `an expired or replaced link is not sent`() async throws {
        let service = try await start()
        users.answer(404)
        #expect(await service.send([try message(reset(service))])[0].failure == nil)
        users.answer(204)
        let late = reset(service)
        service.clock.advance(by: 3_600)
        #expect(await service.send([try message(late)])[0].failure == nil)
        #expect(transport.sent.isEmpty && users.armed.isEmpty)
        #expect(try await service.count("SELECT count(*) FROM notifications WHERE result = 'failed' AND detail LIKE 'the link expired%'") == 2)
    }

    @Test(arguments: AccountMail.Kind.allCases)
    func `each kind has its own text, and is listed without an order`(kind: AccountMail.Kind) async throws {
        let service = try await start()
        let hasLink = [.emailVerification, .emailChange, .passwordReset].contains(kind)
        let mail = AccountMail(
            id: UUID(), userID: UUID(), kind: kind, email: "ada@example.com", name: "Ada", expiresAt: hasLink ? service.clock.now().addingTimeInterval(60) : nil)
        #expect(await service.send([try message(mail)])[0].failure == nil)
        #expect(transport.sent.first?.subject.isEmpty == false)
        #expect(users.armed.count == (hasLink ? 1 : 0))
        let list: List = try await service.ask(Request("notifications.notifications.list")).decoded()
        #expect(list.items.map(\.kind) == [kind.rawValue])
        #expect(list.items.first?.orderId == nil)
    }

    private struct List: Decodable {
        let items: [NotificationView]
    }
}
