import Contracts
import FoundationEssentials
import Ingress
import JSON
import Messaging
import Secrets
import Testing
import WebClient

@testable import Console

@Suite struct `Sign-in` {
    /// The visitor's cookie and the token of the sign-in form.
    private func form(_ console: TestConsole) async throws -> (cookie: String, token: String) {
        let page = try await console.get("/console/sign-in")
        let cookie = try #require(page.all("set-cookie").first?.split(separator: ";").first)
        let token = try #require(page.text.firstMatch(of: /name="token" value="([0-9a-f]+)"/)?.1)
        return (String(cookie), String(token))
    }

    private func signIn(_ console: TestConsole, _ email: String, _ password: String, next: String? = nil) async throws -> WebResponse {
        let form = try await form(console)
        let fields = [("token", form.token), ("email", email), ("password", password)] + (next.map { [("next", $0)] } ?? [])
        return try await console.post("/console/sign-in", cookie: form.cookie, fields)
    }

    @Test func `an administrator signs in through the API's operation, with the client's address, and returns to the page`() async throws {
        try await TestConsole.with { console in
            let start = try await console.get("/console/letters?state=all")
            #expect(start.status == 303 && start.first("location") == "/console/sign-in?next=%2Fconsole%2Fletters%3Fstate%3Dall")
            let response = try await signIn(console, "admin@example.com", FakeServices.password, next: "/console/letters?state=all")
            #expect(response.status == 303 && response.first("location") == "/console/letters?state=all")
            let cookies = response.all("set-cookie")
            #expect(cookies.contains("wharf-console=token-of-admin; Path=/; HttpOnly; SameSite=Lax"), "\(cookies)")
            let sent = try #require(console.services.sent.first { $0.operation == "users.sessions.create" })
            #expect(sent.parameters["client-address"] == "127.0.0.1")
            let page = try await console.get("/console", cookie: "wharf-console=token-of-admin")
            #expect(page.status == 200 && page.text.contains("admin@example.com"))
        }
    }

    @Test func `a customer is rejected, and the session is ended`() async throws {
        try await TestConsole.with { console in
            let response = try await signIn(console, "ada@example.com", FakeServices.password)
            #expect(response.status == 403 && response.text.contains("not an administrator"))
            #expect(response.all("set-cookie") == [])
            let ended = try #require(console.services.sent.last)
            #expect(ended.operation == "users.sessions.deleteCurrent" && ended.parameters["session"] == SHA256.hex("token-of-customer") && ended.caller?.role == .customer)
        }
    }

    @Test func `a customer's session is ended even if the users service no longer answers`() async throws {
        try await TestConsole.with { console in
            console.services.answer(.signOut, Reply(.unavailable("away")))
            let response = try await signIn(console, "ada@example.com", FakeServices.password)
            #expect(response.status == 403)
            #expect(console.services.posted.map(\.operation) == ["users.sessions.deleteCurrent"], "a durable message, whose reply nobody waits for")
        }
    }

    @Test func `a wrong password or too many attempts are rejected without revealing the wrong part`() async throws {
        try await TestConsole.with { console in
            let wrong = try await signIn(console, "admin@example.com", "guess")
            #expect(wrong.status == 403 && wrong.text.contains("The e-mail address or the password is wrong."))
            console.services.answer(.signIn, Reply(Problem("too-many-attempts", title: "Slow", status: 429, detail: "later")))
            #expect(try await signIn(console, "admin@example.com", "guess").status == 429)
        }
    }

    @Test func `a sign-in form without a token, or with another visitor's token, is rejected`() async throws {
        try await TestConsole.with { console in
            let (mine, other) = (try await form(console), try await form(console))
            let fields = [("email", "admin@example.com"), ("password", FakeServices.password)]
            for (cookie, token) in [(mine.cookie, ""), (mine.cookie, other.token), ("", mine.token)] {
                let response = try await console.post("/console/sign-in", cookie: cookie, fields + [("token", token)])
                #expect(response.status == 403 && !response.all("set-cookie").contains { $0.hasPrefix("wharf-console=t") })
            }
            #expect(console.services.sent.isEmpty)
        }
    }

    @Test func `a session that is revoked, or whose account has lost its role, leads to the sign-in at the next request`() async throws {
        try await TestConsole.with { console in
            let session = console.signedIn()
            #expect(try await console.get("/console/groups", cookie: session.cookie).status == 200)
            for caller in [FakeServices.customer, nil] {
                console.services.change("a-token-of-a-session", to: caller)
                for response in [
                    try await console.get("/console/groups", cookie: session.cookie),
                    try await console.post("/console/letters/\(Canned.id)/discard", cookie: session.cookie, [("token", session.form)]),
                ] {
                    #expect(response.status == 303 && response.first("location")?.hasPrefix("/console/sign-in") == true)
                    #expect(response.all("set-cookie").contains { $0.hasPrefix("wharf-console=;") && $0.contains("Max-Age=0") })
                }
            }
            #expect(!console.services.sent.contains { $0.operation == "deadletters.letters.discard" })
        }
    }

    @Test func `signing out ends the session, which stays open if users does not answer`() async throws {
        try await TestConsole.with { console in
            let session = console.signedIn()
            console.services.answer(.signOut, Reply(.unavailable("away")))
            let refused = try await console.post("/console/sign-out", cookie: session.cookie, [("token", session.form)])
            #expect(refused.status == 502 && refused.all("set-cookie") == [])
            console.services.answer(.signOut, .noContent)
            let response = try await console.post("/console/sign-out", cookie: session.cookie, [("token", session.form)])
            #expect(response.status == 303 && response.first("location") == "/console/sign-in")
            #expect(console.services.sent.last?.parameters["session"] == SHA256.hex("a-token-of-a-session"))
        }
    }

    @Test func `behind a trusted proxy that reports TLS, cookies are bound to the host and to TLS`() async throws {
        let proxy = [try #require(Network("127.0.0.1"))]
        let tls = [("x-forwarded-proto", "https")]
        try await TestConsole.with(trustedProxies: proxy) { console in
            let page = try await console.get("/console/sign-in", tls)
            #expect(page.all("set-cookie").first?.hasPrefix("__Host-wharf-console-visitor=") == true)
            #expect(page.all("set-cookie").first?.hasSuffix("; Path=/; HttpOnly; SameSite=Lax; Secure") == true)
            let token = console.services.session()
            #expect(try await console.get("/console", cookie: "__Host-wharf-console=\(token)", tls).status == 200)
            // A page on another port or without TLS may have set this cookie.
            #expect(try await console.get("/console", cookie: "wharf-console=\(token)", tls).status == 303)
        }
        try await TestConsole.with { console in
            let page = try await console.get("/console/sign-in", tls)
            #expect(page.all("set-cookie").first?.hasPrefix("wharf-console-visitor=") == true, "any client can write the header")
        }
    }
}

@Suite struct `Forms` {
    private static let path = "/console/letters/\(Canned.id)/replay"

    @Test func `a form without a token, or with a wrong one or that of another session, is rejected, and nothing is sent`() async throws {
        try await TestConsole.with { console in
            let (mine, other) = (console.signedIn(), console.signedIn(token: "another-session"))
            for fields in [[], [("token", "")], [("token", String(repeating: "0", count: 64))], [("token", other.form)], [("token", mine.form.uppercased())]] {
                let response = try await console.post(Self.path, cookie: mine.cookie, fields)
                #expect(response.status == 403, "\(fields)")
            }
            #expect(console.services.sent.isEmpty)
            let response = try await console.post(Self.path, cookie: mine.cookie, [("token", mine.form), ("pastMemory", "true")])
            #expect(response.status == 303 && response.first("location") == "/console/letters/\(Canned.id)?done=replayed")
            let sent = try #require(console.services.sent.last)
            #expect(sent.operation == "deadletters.letters.replay" && sent.caller == FakeServices.admin && String(decoding: sent.body, as: UTF8.self) == #"{"pastMemory":true}"#)
        }
    }

    @Test(arguments: ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1", "file://"])
    func `a form from another origin is rejected, even with the right token`(origin: String) async throws {
        try await TestConsole.with { console in
            let session = console.signedIn()
            let response = try await console.post(Self.path, cookie: session.cookie, [("token", session.form)], from: origin)
            #expect(response.status == 403 && console.services.sent.isEmpty)
        }
    }

    @Test func `a form from another site, or without both headers, is rejected`() async throws {
        try await TestConsole.with { console in
            let session = console.signedIn()
            for site in ["cross-site", "same-site", "none"] {
                let response = try await console.post(Self.path, cookie: session.cookie, [("token", session.form)], [("sec-fetch-site", site)])
                #expect(response.status == 403, "\(site)")
            }
            let bare = try await console.web.send(
                WebRequest(
                    method: "POST", url: console.origin + Self.path, headers: [("content-type", "application/x-www-form-urlencoded"), ("cookie", session.cookie)],
                    body: PercentEncoding.form([("token", session.form)])))
            #expect(bare.status == 403 && console.services.sent.isEmpty)
        }
    }

    @Test func `a link on another site opens its page, but cannot claim that something was changed`() async throws {
        try await TestConsole.with { console in
            let session = console.signedIn()
            for site in ["cross-site", "same-site", "none", "same-origin"] {
                let page = try await console.get("/console/groups?done=changed", cookie: session.cookie, [("sec-fetch-site", site)])
                #expect(page.status == 200 && page.text.contains(Notice.changed.text) == (site == "same-origin"), "\(site)")
            }
        }
    }

    @Test func `a form that is sent twice carries one id, and another form another`() async throws {
        try await TestConsole.with { console in
            let session = console.signedIn()
            for request in ["one", "one", "two"] {
                _ = try await console.post(Self.path, cookie: session.cookie, [("token", session.form), ("request", request)])
            }
            let ids = console.services.sent.map(\.id)
            try #require(ids.count == 3)
            #expect(Set(ids).count == 2 && ids.first == ids.dropFirst().first)
        }
    }

    @Test func `a body that is too large or not a form is rejected`() async throws {
        try await TestConsole.with { console in
            let session = console.signedIn()
            let large = [("token", session.form), ("body", String(repeating: "x", count: Form.maximumBytes))]
            let tooLarge = try await console.post(Self.path, cookie: session.cookie, large)
            let twice = try await console.post(Self.path, cookie: session.cookie, [("token", session.form), ("token", session.form)])
            #expect(tooLarge.status == 400 && twice.status == 400)
            #expect(console.services.sent.isEmpty)
        }
    }
}

@Suite struct `Every answer` {
    @Test(arguments: ["/", "/console", "/console/sign-in", "/console/console.css", "/console/console.js", "/console/nothing", "/nothing", "/console/letters/%FF"])
    func `has the headers that protect a page`(path: String) async throws {
        try await TestConsole.with { console in
            for cookie in [nil, console.signedIn().cookie] {
                let response = try await console.get(path, cookie: cookie)
                #expect(
                    response.all("content-security-policy") == [
                        "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
                    ])
                #expect(response.all("x-content-type-options") == ["nosniff"] && response.all("referrer-policy") == ["same-origin"])
                #expect(response.all("cache-control") == [path.hasSuffix(".css") || path.hasSuffix(".js") ? "no-cache" : "no-store"])
            }
        }
    }

    @Test func `to another method names those that are allowed`() async throws {
        try await TestConsole.with { console in
            for path in ["/console", "/console/groups", "/console/console.css", "/nothing"] {
                let response = try await console.web.send(WebRequest(method: "DELETE", url: console.origin + path))
                #expect(response.status == 405 && response.all("allow") == ["GET, HEAD, POST"], "\(path)")
            }
        }
    }

    @Test func `to a visitor without a session contains no data of the shop`() async throws {
        try await TestConsole.with { console in
            for path in `Pages`.paths {
                let response = try await console.get(path)
                #expect(response.status == 303 && response.body.isEmpty, "\(path)")
            }
            #expect(console.services.sent.isEmpty)
        }
    }
}

@Suite struct `Operations of the console` {
    @Test func `are administrators' operations of the HTTP contract, with its durability`() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let document = try OpenAPIDocument(path: "/\(root)/topology/openapi.yaml")
        for operation in ConsoleOperation.allCases {
            let endpoint = try #require(document.endpoints.first { $0.operationID == operation.rawValue }, "\(operation)")
            #expect(endpoint.durability == operation.durability && endpoint.isSensitive == ConsoleOperation.sensitive.contains(operation.rawValue), "\(operation)")
            #expect(endpoint.role == (operation == .signIn ? .public : operation == .signOut || operation == .orders ? .customer : .admin), "\(operation)")
        }
    }
}
