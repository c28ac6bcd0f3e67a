import Contracts
import Messaging
import Testing
import WebClient

@testable import Console

@Suite struct `The page of waiting messages` {
    private static let filter = "cause=mail-not-sent&operation=order.confirmed&service=notifications"

    private static func cause(_ cause: String, operation: String = #""operation": "order.confirmed", "#, count: Int, sent: Int) -> String {
        """
        {"service": "notifications", \(operation)"cause": "\(cause)", "text": "no <answer>", "count": \(count), "sent": \(sent), "orders": 300,
         "since": "2026-01-15T09:20:03.120Z", "nextDueAt": "2026-01-15T09:35:41.870Z", "lastDueAt": "2026-01-15T09:38:12.004Z"}
        """
    }

    private static func message(_ id: String, _ more: String) -> String {
        """
        {"id": "\(id)", "service": "notifications", "queue": "notifications.commands", "operation": "order.confirmed", "cause": "mail-not-sent", "detail": "no <answer>",
         "attempt": 5, "since": "2026-01-15T09:20:03.120Z", "setAsideAt": "2026-01-15T09:23:41.870Z", "dueAt": "2026-01-15T09:35:41.870Z", \(more)}
        """
    }

    private static func reply(_ text: String) -> Reply { Reply(status: 200, body: Array(text.utf8)) }

    @Test func `lists causes and messages, with links to the messages of a cause and to send what can be sent`() async throws {
        let (sendable, sent, large) = (Canned.id, "11111111-1b3c-4d5e-8f60-9a1b2c3d4e5f", "22222222-1b3c-4d5e-8f60-9a1b2c3d4e5f")
        let messages = [
            Self.message(sendable, #""isSendable": true, "orderId": "\#(Canned.order)", "orderNumber": "W-<1042>""#),
            Self.message(sent, #""isSendable": true, "sentAt": "2026-01-15T09:24:00.000Z""#), Self.message(large, #""isSendable": false"#),
        ]
        let causes = [
            Self.cause("mail-not-sent", count: 309, sent: 4), Self.cause("all-sent", count: 2, sent: 2), Self.cause("without-operation", operation: "", count: 1, sent: 0),
        ]
        let list = Self.reply(#"{"items": [\#(messages.joined(separator: ","))], "causes": [\#(causes.joined(separator: ","))]}"#)
        try await TestConsole.with { console in
            console.services.answer(.waiting, list)
            let html = try await console.get("/console/waiting?service=notifications", cookie: console.signedIn().cookie).text
            let fields = Self.filter.replacing("&", with: "&amp;")
            #expect(html.contains("href=\"/console/waiting?\(fields)\"") && html.contains("href=\"/console/waiting/send?\(fields)\""), "\(html)")
            #expect(html.contains("href=\"/console/waiting/send?id=\(sendable)&amp;service=notifications\""))
            #expect(html.matches(of: /\/console\/waiting\/send/).count == 2, "sent messages, and those without a copy, cannot be sent")
            #expect(html.contains("href=\"/console/checkouts/\(Canned.order)\"") && html.contains("W-&lt;1042&gt;") && html.contains("no &lt;answer&gt;"))
            #expect(html.contains("aria-current=\"page\">Waiting</a>"))
            let asked = try #require(console.services.sent.last)
            #expect(asked.operation == "deadletters.waiting.list" && asked.parameters == ["service": "notifications", "limit": "50"])
        }
    }

    @Test func `asks for confirmation with the selection of a dry run, and sends nothing before it`() async throws {
        try await TestConsole.with { console in
            let html = try await console.get("/console/waiting/send?\(Self.filter)", cookie: console.signedIn().cookie).text
            #expect(html.contains("Send 309 messages now?") && html.contains("<code>&lt;script&gt;") && html.contains("action=\"/console/waiting/send\""))
            for (name, value) in [("cause", "mail-not-sent"), ("operation", "order.confirmed"), ("service", "notifications")] {
                #expect(html.contains("<input type=\"hidden\" name=\"\(name)\" value=\"\(value)\">"))
            }
            let bodies = console.services.sent.map { String(decoding: $0.body, as: UTF8.self) }
            #expect(bodies == [#"{"dryRun":true,"filter":{"cause":"mail-not-sent","operation":"order.confirmed","service":"notifications"}}"#])
        }
    }

    @Test func `sends what was confirmed in the administrator's name, and returns to the list with a notice`() async throws {
        try await TestConsole.with { console in
            let session = console.signedIn()
            let fields = [("token", session.form), ("request", "one"), ("cause", "mail-not-sent"), ("id", Canned.id)]
            let response = try await console.post("/console/waiting/send", cookie: session.cookie, fields)
            #expect(response.status == 303 && response.first("location") == "/console/waiting?cause=mail-not-sent&done=sent")
            let sent = try #require(console.services.sent.last)
            #expect(sent.operation == "deadletters.waiting.send" && sent.caller == FakeServices.admin)
            #expect(String(decoding: sent.body, as: UTF8.self) == #"{"filter":{"cause":"mail-not-sent","id":"\#(Canned.id)"}}"#)
            let page = try await console.get("/console/waiting?cause=mail-not-sent&done=sent", cookie: session.cookie)
            #expect(page.text.contains("The messages are sent now."))
            console.services.answer(.sendWaiting, Self.reply(#"{"selected": 0, "orders": 0, "byCause": []}"#))
            let none = try await console.post("/console/waiting/send", cookie: session.cookie, fields)
            #expect(none.first("location") == "/console/waiting?cause=mail-not-sent&done=none-sent")
        }
    }

    @Test func `rejects a form without a cause and without a message, which would send all messages`() async throws {
        try await TestConsole.with { console in
            let session = console.signedIn()
            let page = try await console.get("/console/waiting/send?service=notifications", cookie: session.cookie)
            let form = try await console.post("/console/waiting/send", cookie: session.cookie, [("token", session.form), ("service", "notifications"), ("cause", " ")])
            #expect(page.status == 422 && form.status == 422 && console.services.sent.isEmpty)
        }
    }
}
