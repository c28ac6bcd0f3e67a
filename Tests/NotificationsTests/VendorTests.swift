import Contracts
import FoundationEssentials
import JSON
import Logging
import Secrets
import ServiceLifecycle
import Testing
import WebClient

@testable import Notifications
@testable import Sandbox

/// A running sandbox, in which SendGrid and Twilio accept messages.
private struct VendorSandbox: Sendable {
    static let key = "sk_test_vendors"

    let base: String
    let web: WebClient

    static func run(_ body: @Sendable (VendorSandbox) async throws -> Void) async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let sandbox = Sandbox(configuration: SandboxConfiguration(apiKey: key, webhookSecret: "whsec_test"), logger: logger, now: { Date() }) { port.yield($0) }
        let group = ServiceGroup(configuration: .init(services: [sandbox], logger: logger))
        let web = WebClient(logger: logger)
        defer { web.shutdown() }
        try await withThrowingTaskGroup { tasks in
            tasks.addTask {
                defer { port.finish() }
                try await group.run()
            }
            var failure: (any Error)?
            if let port = await ports.first(where: { _ in true }) {
                do { try await body(VendorSandbox(base: "http://127.0.0.1:\(port)", web: web)) } catch { failure = error }
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            if let failure { throw failure }
        }
    }

    struct Message: Decodable {
        let vendor, from, to, subject, text, html: String
        let headers: [String: String]
    }

    private struct Messages: Decodable { let messages: [Message] }

    func messages() async throws -> [Message] {
        try JSON.decode(Messages.self, from: try await operate("GET", "/_messages").body).messages
    }

    func misbehave(_ faults: String) async throws {
        #expect(try await operate("PUT", "/_messages/faults", faults).status == 200)
    }

    func operate(_ method: String, _ path: String, _ body: String = "", key: String = key) async throws -> WebResponse {
        try await web.send(WebRequest(method: method, url: base + path, headers: [("Authorization", "Bearer \(key)")], body: Array(body.utf8)))
    }

    func sendGrid(key: String = key) -> SendGrid { SendGrid(transport: web, key: key, base: base + "/") }

    func twilio(token: String = key, from: String = "+15005550006") -> Twilio {
        Twilio(transport: web, account: "AC1", token: token, from: from, base: base)
    }
}

@Suite struct SendGridTests {
    private func mail(to recipient: String = "ada@example.com", from sender: String = "Käse & Co <shop@example.com>") throws -> Mail {
        Mail(
            id: try #require(UUID(uuidString: "5D3F2C1B-0000-4000-8000-00000000000A")), sender: try #require(MailAddress(sender)),
            recipient: try #require(MailAddress(recipient)), subject: "Grüße", text: "Text\n", html: "<p>Text</p>\n", date: Date(timeIntervalSince1970: 0))
    }

    private func error(_ transport: SendGrid, _ mail: Mail) async -> DeliveryError? {
        do throws(DeliveryError) {
            try await transport.send(mail)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a mail arrives with both of its forms, and with an id by which a second copy is known`() async throws {
        try await VendorSandbox.run { vendors in
            let mail = try mail()
            for _ in 0..<2 { try await vendors.sendGrid().send(mail) }
            let messages = try await vendors.messages()
            #expect(messages.count == 2)
            let message = try #require(messages.first)
            #expect(message.vendor == "sendgrid" && message.to == "ada@example.com" && message.from == "shop@example.com")
            #expect(message.subject == "Grüße" && message.text == "Text\n" && message.html == "<p>Text</p>\n")
            #expect(messages.map { $0.headers["Message-ID"] } == [mail.messageID, mail.messageID])
        }
    }

    @Test func `a rejected recipient is distinguished from a rejected shop, and no key is quoted`() async throws {
        try await VendorSandbox.run { vendors in
            #expect(try await error(vendors.sendGrid(), mail(to: "ada@localhost")) == DeliveryError("SendGrid answered 400: Does not contain a valid address.", .refused))
            #expect(try await error(vendors.sendGrid(), mail(from: "shop@unverified.example"))?.reason == .denied)
            let denied = try #require(try await error(vendors.sendGrid(key: "SG.secret"), mail()))
            #expect(denied.reason == .denied && !denied.message.contains("SG.secret"))
            #expect(try await vendors.messages().isEmpty)
        }
    }

    @Test func `when SendGrid is busy, fails or closes the connection the mail waits, even if it was accepted`() async throws {
        try await VendorSandbox.run { vendors in
            for fault in ["rateLimitRate", "dropBeforeRate"] {
                try await vendors.misbehave(#"{"\#(fault)": 1}"#)
                #expect(try await error(vendors.sendGrid(), mail())?.reason == .unavailable, "\(fault)")
            }
            #expect(try await vendors.messages().isEmpty)
            try await vendors.misbehave(#"{"dropAfterChargingRate": 1}"#)
            #expect(try await error(vendors.sendGrid(), mail())?.reason == .unavailable)
            #expect(try await vendors.messages().count == 1)
            try await vendors.misbehave(#"{"error500Rate": 1}"#)
            for _ in 0..<8 { #expect(try await error(vendors.sendGrid(), mail())?.reason == .unavailable) }
            let taken = try await vendors.messages().count
            #expect((2..<9).contains(taken), "some of the eight were taken all the same")
        }
    }

    @Test func `a SendGrid that is not there is retried`() async throws {
        let client = WebClient(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let error = try await error(SendGrid(transport: client, key: "k", base: "http://127.0.0.1:9"), mail())
        #expect(error?.reason == .unavailable && error?.message.hasPrefix("SendGrid: ") == true)
    }

    @Test func `reading sent messages and setting faults needs the key`() async throws {
        try await VendorSandbox.run { vendors in
            for (method, path) in [("GET", "/_messages"), ("DELETE", "/_messages"), ("GET", "/_messages/faults"), ("DELETE", "/_messages/faults")] {
                let refused = try await vendors.operate(method, path, key: "wrong")
                let answered = try await vendors.operate(method, path)
                #expect(refused.status == 401 && answered.isSuccess, "\(method) \(path)")
            }
        }
    }
}

@Suite struct TwilioTests {
    private func error(_ transport: Twilio, to number: String = "+4930123456") async -> DeliveryError? {
        do throws(DeliveryError) {
            try await transport.send("Ihre Bestellung ist unterwegs & gleich da.", to: number, id: UUID())
            return nil
        } catch {
            return error
        }
    }

    @Test func `a text message arrives as it is`() async throws {
        try await VendorSandbox.run { vendors in
            #expect(await error(vendors.twilio()) == nil)
            let message = try #require(try await vendors.messages().first)
            #expect(message.vendor == "twilio" && message.to == "+4930123456" && message.from == "+15005550006")
            #expect(message.text == "Ihre Bestellung ist unterwegs & gleich da.")
            #expect(await error(vendors.twilio(from: "MG9752274e9e519418a7406176694466fa")) == nil)
        }
    }

    @Test(arguments: [
        ("+15005550001", DeliveryError.Reason.refused), ("+15005550002", .refused), ("+15005550004", .refused), ("+15005550009", .refused), ("+15005550003", .denied),
    ])
    func `its documented errors say whether the recipient or the shop is at fault`(number: String, reason: DeliveryError.Reason) async throws {
        try await VendorSandbox.run { vendors in
            #expect(await error(vendors.twilio(), to: number)?.reason == reason)
        }
    }

    @Test func `a wrong token or sender is the shop's, busy and broken servers are retried, and no token is quoted`() async throws {
        try await VendorSandbox.run { vendors in
            let denied = try #require(await error(vendors.twilio(token: "secret-token")))
            #expect(denied.reason == .denied && !denied.message.contains("secret-token"))
            #expect(await error(vendors.twilio(from: "+15005550007"))?.reason == .denied)
            for fault in ["rateLimitRate", "error500Rate", "dropBeforeRate", "dropAfterChargingRate"] {
                try await vendors.misbehave(#"{"\#(fault)": 1}"#)
                #expect(await error(vendors.twilio())?.reason == .unavailable, "\(fault)")
            }
        }
    }
}

@Suite struct SMSChannelTests {
    private struct Nowhere: TextMessageTransport {
        func send(_ text: String, to number: String, id: UUID) async throws(DeliveryError) {}
    }

    private func news(_ kind: NotificationKind, phone: String?) throws -> OrderNews {
        var news = OrderNews(kind: kind, orderID: UUID(), number: "W-1", email: try #require(MailAddress(bare: "ada@example.com")))
        news.shippingAddress = Address(name: "Ada", line1: "1", city: "Berlin", postalCode: "10115", country: "DE", phone: phone)
        return news
    }

    @Test(arguments: NotificationKind.allCases)
    func `text messages carry what a customer wants at once, and nothing else`(kind: NotificationKind) throws {
        let channel = SMSChannel(carrier: Nowhere(), sender: try #require(MailAddress("Wharf <shop@example.com>")))
        let carried = [NotificationKind.orderShipped, .orderDelivered, .actionRequired].contains(kind)
        #expect(channel.recipient(of: try news(kind, phone: "+49 30 123456")) == (carried ? "+4930123456" : nil))
    }

    @Test(
        arguments: [
            ("+49 30 123456", "+4930123456"), ("+49 (0)30 / 12-34.56", "+4930123456"), ("+1 (212) 555-0100", "+12125550100"), ("030 123456", nil), ("0049 30 123456", nil),
            ("+0 30 123456", nil), ("+49", nil), ("+4930123456789012", nil), ("+49 30 12a456", nil), ("", nil), ("(0)", nil), ("(0)(0)(0)", nil), (nil, nil),
        ] as [(String?, String?)])
    func `a number that does not say its country is left alone`(phone: String?, number: String?) throws {
        let channel = SMSChannel(carrier: Nowhere(), sender: try #require(MailAddress("shop@example.com")))
        #expect(channel.recipient(of: try news(.orderShipped, phone: phone)) == number)
    }
}
