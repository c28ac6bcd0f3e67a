import Contracts
import FoundationEssentials
import JSON
import Messaging
import Operator
import Testing
import WebClient

@testable import Console

@Suite struct `Pages` {
    /// Every page that an administrator can open.
    static let paths = [
        "/console", "/console/groups", "/console/groups?state=all&service=orders&cursor=x", "/console/letters", "/console/letters?state=discarded&text=%22%3E%3Cscript%3E&cursor=x",
        "/console/letters/\(Canned.id)", "/console/letters/\(Canned.id)/replay", "/console/letters/\(Canned.id)/discard", "/console/letters/\(Canned.id)/restore",
        "/console/letters/\(Canned.id)/edit", "/console/letters/\(Canned.id)/revert", "/console/jobs", "/console/jobs?cursor=x", "/console/jobs/\(Canned.id)",
        "/console/jobs/new?action=replay&cause=%3Cscript%3E", "/console/jobs/new?action=discard", "/console/jobs/new?action=restore", "/console/waiting",
        "/console/waiting?service=orders&cause=%22%3E%3Cscript%3E&cursor=x", "/console/waiting/send?operation=%3Cscript%3E&cause=%22%3E%3Cscript%3E",
        "/console/waiting/send?id=\(Canned.id)", "/console/checkouts",
        "/console/checkouts?stuck=true&olderThan=%22%3E", "/console/checkouts/\(Canned.order)", "/console/checkouts/\(Canned.order)/retry",
        "/console/checkouts/\(Canned.order)/compensate", "/console/checkouts/\(Canned.order)/assign", "/console/payments",
        "/console/payments/x%3Cscript%3E/settle?kind=%3Cscript%3E&detail=%22%3E%3Cscript%3E", "/console/notifications", "/console/notifications?recipient=%22%3E%3Cscript%3E",
        "/console/notifications/\(Canned.id)/resend?recipient=%3Cscript%3E", "/console/nothing",
    ]

    @Test(arguments: paths) func `text from others is escaped, and no page contains an inline script or style`(path: String) async throws {
        try await TestConsole.with(queues: #"[{"name": "<script>orders.commands", "messages": 5, "messages_ready": 5, "consumers": 0}]"#) { console in
            let response = try await console.get(path, cookie: console.signedIn().cookie)
            #expect(response.status == (path.hasSuffix("nothing") ? 404 : 200), "\(response.text)")
            let html = response.text
            #expect(html.hasPrefix("<!doctype html>") && html.hasSuffix("</html>\n"))
            // The only script is the console's.
            #expect(html.split(separator: "<script").dropFirst().allSatisfy { $0.hasPrefix(" src=\"/console/console.js\" defer></script>") }, "\(html)")
            #expect(!html.contains("<i>") && !html.contains("style=") && !html.contains("javascript:"))
            #expect(html.matches(of: /\son[a-z]+=/).isEmpty)
        }
    }

    @Test(arguments: paths) func `every form that changes something carries its session's token`(path: String) async throws {
        try await TestConsole.with { console in
            let session = console.signedIn()
            let html = try await console.get(path, cookie: session.cookie).text
            let forms = html.split(separator: "<form ").dropFirst()
            #expect(forms.contains { $0.contains("/console/sign-out") })
            for form in forms {
                let (tag, content) = (form.prefix { $0 != ">" }, form.prefix(2_000))
                #expect(tag.contains("method=\"get\"") || tag.contains("method=\"post\"") && content.contains("name=\"token\" value=\"\(session.form)\""), "\(tag)")
                #expect(tag.contains("action=\"/console"))
            }
        }
    }

    @Test func `the overview shows queues if the management API is configured, and the reason if it is not`() async throws {
        try await TestConsole.with { console in
            let html = try await console.get("/console", cookie: console.signedIn().cookie).text
            #expect(html.contains("WHARF_RABBITMQ_MANAGEMENT_URL"))
        }
        let queues = #"[{"name": "orders.commands", "messages": 7, "messages_ready": 5, "messages_unacknowledged": 2, "consumers": 2}, {"name": "replies.console.x", "messages": 0}]"#
        try await TestConsole.with(queues: queues) { console in
            let html = try await console.get("/console", cookie: console.signedIn().cookie).text
            #expect(html.contains("orders.commands") && !html.contains("replies.console") && !html.contains("WHARF_RABBITMQ"))
        }
    }

    @Test func `a service that does not answer leaves its part of the overview empty, and the others are shown`() async throws {
        try await TestConsole.with { console in
            console.services.answer(.checkouts, Reply(.unavailable("orders has no workers")))
            let response = try await console.get("/console", cookie: console.signedIn().cookie)
            #expect(response.status == 200 && response.text.contains("orders has no workers") && response.text.contains("Failed notifications"))
        }
    }

    @Test func `a letter with only the beginning of its body says so and cannot be edited`() async throws {
        try await TestConsole.with { console in
            let session = console.signedIn()
            console.services.answer(.letter, Reply(status: 200, body: Array(Canned.cutLetter.utf8)))
            let page = try await console.get("/console/letters/\(Canned.id)", cookie: session.cookie)
            #expect(page.status == 200 && page.text.contains("the first 9 of 13631488 bytes") && !page.text.contains("/edit"))
            let form = try await console.get("/console/letters/\(Canned.id)/edit", cookie: session.cookie)
            #expect(form.status == 409 && form.text.contains("Only the first 9 of 13631488 bytes of the body are shown"))
            let review = try await console.post("/console/letters/\(Canned.id)/edit", cookie: session.cookie, [("token", session.form), ("body", "beginning and end")])
            #expect(review.status == 409)
        }
    }

    @Test func `a rejection is shown in the service's words`() async throws {
        try await TestConsole.with { console in
            let session = console.signedIn()
            console.services.answer(.replay, Reply(Problem("dead-letter-past-memory", title: "Old", status: 409, detail: "The message is <older> than 7 days.")))
            let response = try await console.post("/console/letters/\(Canned.id)/replay", cookie: session.cookie, [("token", session.form)])
            #expect(response.status == 409 && response.text.contains("The message is &lt;older&gt; than 7 days."))
            console.services.answer(.letter, Reply(.notFound("dead letter")))
            let missing = try await console.get("/console/letters/\(Canned.id)", cookie: session.cookie)
            #expect(missing.status == 404)
        }
    }
}

@Suite struct `Parts of pages` {
    @Test func `interpolated text is escaped, and markup is not`() {
        let text = #"<a href="x">'&"#
        let inner: Markup = "<b>\(text)</b>"
        #expect(inner.html == "<b>&lt;a href=&quot;x&quot;&gt;&#39;&amp;</b>")
        #expect(("<i title=\"\(text)\">\(inner)\(7)</i>" as Markup).html == "<i title=\"&lt;a href=&quot;x&quot;&gt;&#39;&amp;\"><b>&lt;a href=&quot;x&quot;&gt;&#39;&amp;</b>7</i>")
        #expect([inner, inner].joined(by: ", ").html == "\(inner.html), \(inner.html)")
        // To Swift, a mark of the Arabic script and the sign after it are one character.
        #expect(("\("\u{600}<script>")" as Markup).html == "\u{600}&lt;script&gt;")
    }

    @Test(arguments: [
        ("/console/letters?state=all", true), ("/console", true), ("//evil.example", false), ("/console\\..\\x", false), ("https://evil.example/console/", false), ("/consoles", false),
        ("/console/\r\nx: y", false), ("", false),
    ])
    func `a sign-in leads back only to the console`(path: String, isOwn: Bool) {
        #expect((Link.returning(path) != nil) == isOwn)
    }

    @Test func `bars of an hour are in proportion, and huge counts do not overflow`() {
        #expect(Chart.hours([0, 5, 10]).html.matches(of: /<rect x/).count == 2)
        #expect(Chart.hours([Int.max, Int.max, 1]).html.contains("svg"))
        #expect(Chart.hours([]).html.contains("0 in 24 hours"))
    }
}
