import FoundationEssentials
import JSON
import LocalState
import TestKit
import Testing
import Up
import WebClient

extension System {
    @Suite struct `Web console` {
        /// The state of a browser: its cookies, and the page that it shows.
        private struct Browser {
            let web: WebClient
            let base: String
            var cookies: [String: String] = [:]
            var page = WebResponse(status: 0)

            private var origin: String { base.split(separator: "/").prefix(2).joined(separator: "//") }
            var html: String { String(decoding: page.body, as: UTF8.self) }

            mutating func get(_ path: String) async throws {
                try await exchange(WebRequest(url: origin + path, headers: [("cookie", cookie)]))
            }

            /// Sends the first form of the page with this action, with its hidden fields.
            mutating func submit(_ action: String, _ fields: [(String, String)] = []) async throws {
                let form = try #require(html.split(separator: "<form ").first { $0.contains("action=\"\(action)\"") }, "\(html)")
                let content = form.firstRange(of: "</form>").map { form[..<$0.lowerBound] } ?? form
                let hidden = content.matches(of: /<input type="hidden" name="([^"]*)" value="([^"]*)">/).map { (String($0.1), String($0.2)) }
                try await exchange(
                    WebRequest(
                        method: "POST", url: origin + action,
                        headers: [("cookie", cookie), ("origin", origin), ("sec-fetch-site", "same-origin"), ("content-type", "application/x-www-form-urlencoded")],
                        body: PercentEncoding.form(hidden + fields)))
            }

            private var cookie: String { cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ") }

            private mutating func exchange(_ request: WebRequest) async throws {
                page = try await web.send(request)
                for header in page.headers where header.name.lowercased() == "set-cookie" {
                    let pair = header.value.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    guard let name = pair.first, let value = pair.dropFirst().first else { continue }
                    cookies[String(name)] = value.isEmpty ? nil : String(value)
                }
                if page.status == 303, let next = page.first("location") { try await get(next) }
            }
        }

        @Test func `an administrator signs in, finds, replays and discards a dead letter, and the audit records it`() async throws {
            let admin = try Visitor.admin()
            let wharf = admin.wharf
            let message = ForeignMessage(type: "no.such.operation", body: Array("<b>häh?</b>".utf8))
            try await message.put(into: "notifications.queries", of: wharf)
            func letter() async throws -> JSONValue? {
                try await admin.letters(of: "notifications.queries").first { $0["messageId"]?.text == message.id }
            }
            try await eventually("The dead letter") { try await letter() != nil }
            let id = try #require(try await letter()?["id"]?.text)

            let (record, secrets) = (try wharf.record, try wharf.secrets)
            var browser = Browser(web: wharf.web, base: try #require(record.consoleURL))
            try await browser.get("/console/letters/\(id)")
            #expect(browser.html.contains("Sign in"))
            try await browser.submit("/console/sign-in", [("email", record.adminEmail), ("password", secrets.adminPassword)])
            #expect(browser.page.status == 200 && browser.html.contains("&lt;b&gt;häh?&lt;/b&gt;") && browser.html.contains("unknown-operation"), "\(browser.html)")

            try await browser.get("/console")
            #expect(browser.page.status == 200 && browser.html.contains("notifications.queries") && !browser.html.contains("cannot be reached"), "\(browser.html)")
            for path in ["groups", "letters?text=h%C3%A4h", "jobs", "checkouts", "payments", "notifications", "jobs/new?action=replay&queue=notifications.queries"] {
                try await browser.get("/console/\(path)")
                #expect(browser.page.status == 200, "\(path): \(browser.html)")
            }

            try await browser.get("/console/letters/\(id)/replay")
            try await browser.submit("/console/letters/\(id)/replay")
            #expect(browser.html.contains("sent back to its queue"), "\(browser.html)")
            try await eventually("Its return") { try await letter()?["seen"] == 2 }
            try await browser.get("/console/letters/\(id)/discard")
            try await browser.submit("/console/letters/\(id)/discard")
            #expect(browser.html.contains("Restore…"), "\(browser.html)")
            let shown = try await admin.get("/v1/dead-letters/\(id)")
            #expect(shown["state"] == "discarded")
            #expect(shown["audit"]?.list.filter { $0["actor"]?.text?.contains(record.adminEmail) == true }.count == 2, "\(shown.json)")

            try await browser.submit("/console/sign-out")
            try await browser.get("/console/letters/\(id)")
            #expect(browser.html.contains("Sign in") && !browser.html.contains("unknown-operation"))
        }
    }
}
