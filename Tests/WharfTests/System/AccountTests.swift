import FoundationEssentials
import LocalState
import Messaging
import TestKit
import Testing

@testable import JSON
@testable import wharf

extension Visitor {
    /// The code in the newest mail to this address with this subject.
    func code(mailedTo email: String, subject: String) async throws -> String {
        try await eventually("The mail '\(subject)'") { try wharf.mails(to: email, subject: subject).last != nil }
        let text = try #require(try wharf.mails(to: email, subject: subject).last)
        // Quoted-printable leaves a token as it is; in the text it stands on a line of its own.
        let lines = text.split(whereSeparator: \.isNewline).map { $0.drop { $0 == " " } }
        return String(try #require(lines.first { $0.utf8.count == 43 && !$0.contains(" ") }))
    }
}

extension RunningWharf {
    /// Oldest first.
    func mails(to email: String, subject: String? = nil) throws -> [String] {
        let files = FileManager.default
        return try files.contentsOfDirectory(atPath: "\(folder.mail)/new").compactMap { name -> (Date, String)? in
            let path = "\(folder.mail)/new/\(name)"
            guard let data = try? Data(contentsOf: URL(filePath: path)), let made = try? files.attributesOfItem(atPath: path)[.modificationDate] as? Date
            else { return nil }
            let text = String(decoding: data, as: UTF8.self)
            guard text.contains("To: \(email)\r\n"), subject.map({ text.contains("Subject: \($0)\r\n") }) ?? true else { return nil }
            return (made, text)
        }.sorted { $0.0 < $1.0 }.map(\.1)
    }
}

extension System {
    /// Accounts from sign-up to disabling, by HTTP and the mails that arrive.
    @Suite struct `Accounts` {
        private static let verification = "Please confirm your e-mail address"
        private static let address = #"{"name": "Ada", "line1": "12 St James Square", "city": "London", "postalCode": "SW1Y 4JH", "country": "GB", "isDefaultShipping": true}"#

        @Test func `an address is verified by the code that was mailed to it, once, and a new code invalidates the old`() async throws {
            let (ada, email) = try await Visitor.customer()
            let first = try await ada.code(mailedTo: email, subject: Self.verification)
            #expect(try await ada.post("/v1/email-verifications").status == 202)
            #expect(try await ada.post("/v1/email-verifications/\(first)").status == 404)
            try await eventually("The second mail") { try ada.wharf.mails(to: email, subject: Self.verification).count == 2 }
            let second = try await ada.code(mailedTo: email, subject: Self.verification)
            let guest = try Visitor.guest()
            let key = ["idempotency-key": UUID().uuidString]
            #expect(try await guest.post("/v1/email-verifications/\(second)", nil, key).status == 204)
            #expect(try await guest.post("/v1/email-verifications/\(second)", nil, key).header("idempotent-replayed") == "true")
            #expect(try await guest.post("/v1/email-verifications/\(second)").problem == "link-ended")
            #expect(try await ada.get("/v1/users/me")["verified"] == .boolean(true))
        }

        @Test func `a forgotten password is reset, every session ends, and the owner is notified`() async throws {
            let (ada, email) = try await Visitor.customer()
            let guest = try Visitor.guest()
            for address in [email, "nobody-\(email)"] {
                #expect(try await guest.post("/v1/password-resets", #"{"email": "\#(address)"}"#).status == 202)
            }
            let code = try await guest.code(mailedTo: email, subject: "Set a new password")
            #expect(try await guest.post("/v1/password-resets/\(code)", #"{"password": "short"}"#).fields == ["password"])
            #expect(try await guest.post("/v1/password-resets/\(code)", #"{"password": "a better battery"}"#).status == 204)
            #expect(try await ada.get("/v1/users/me").status == 401)
            #expect(try await guest.signIn(email).status == 401)
            #expect(try await guest.signIn(email, password: "a better battery").status == 201)
            try await eventually("The notice") { try !ada.wharf.mails(to: email, subject: "Your password was changed").isEmpty }
            #expect(try ada.wharf.mails(to: "nobody-\(email)").isEmpty)
            #expect(try await Visitor.admin().get("/v1/notifications")["items"]?.list.contains { $0["kind"] == "passwordChanged" && $0["recipient"] == .string(email) } == true)
        }

        @Test func `a profile is changed from the version that was read, and sessions end one by one`() async throws {
            var (ada, email) = try await Visitor.customer()
            let tag = try #require(try await ada.get("/v1/users/me").header("etag"))
            #expect(try await ada.get("/v1/users/me", ["if-none-match": tag]).status == 304)
            let change = #"{"locale": "en-GB"}"#
            #expect(try await ada.send("PATCH", "/v1/users/me", change, ["if-match": tag])["locale"] == "en-GB")
            #expect(try await ada.send("PATCH", "/v1/users/me", change, ["if-match": tag]).status == 412)
            let second = try #require(try await ada.signIn(email)["token"]?.text)
            let sessions = try await ada.get("/v1/sessions", ["user-agent": "Shop/1.0"])["items"]?.list ?? []
            #expect(sessions.count == 2)
            #expect(sessions.allSatisfy { $0["address"] == "127.0.0.1" && $0["lastSeenAt"]?.text != nil })
            let other = try #require(sessions.first { $0["current"] == .boolean(false) }?["id"]?.text)
            #expect(try await ada.delete("/v1/sessions/\(other)").status == 204)
            let own = ada.token
            ada.token = second
            try await eventually("The end of the session") { try await ada.get("/v1/users/me").status == 401 }
            ada.token = own
            let body = #"{"current": "correct horse battery", "password": "a better battery"}"#
            #expect(try await ada.put("/v1/users/me/password", body.replacing("correct", with: "wrong")).problem == "wrong-password")
            #expect(try await ada.put("/v1/users/me/password", body).status == 204)
            #expect(try await ada.get("/v1/users/me").status == 200)
            #expect(try await ada.put("/v1/users/me/email", #"{"email": "new-\#(email)", "password": "a better battery"}"#).status == 202)
            let code = try await ada.code(mailedTo: "new-\(email)", subject: "Please confirm your new e-mail address")
            #expect(try await ada.post("/v1/email-verifications/\(code)").status == 204)
            #expect(try await ada.get("/v1/users/me")["email"] == .string("new-\(email)"))
        }

        @Test func `an address book belongs to its owner`() async throws {
            let (ada, _) = try await Visitor.customer()
            let added = try await ada.post("/v1/users/me/addresses", Self.address)
            #expect(added.status == 201 && added["isDefaultShipping"] == .boolean(true))
            let place = try #require(added.header("location"))
            #expect(try await ada.get(place).header("etag") == added.header("etag"))
            #expect(try await ada.put(place, Self.address.replacing("London", with: "Leeds"))["city"] == "Leeds")
            #expect(try await ada.get("/v1/users/me/addresses")["items"]?.list.count == 1)
            #expect(try await Visitor.customer().visitor.get(place).status == 404)
            #expect(try await Visitor.guest().get(place).status == 401)
            #expect(try await ada.delete(place).status == 204)
            #expect(try await ada.get(place).status == 404)
        }

        @Test func `a disabled account is out within a second, and its owner cannot sign in`() async throws {
            let admin = try Visitor.admin()
            let (ada, email) = try await Visitor.customer()
            #expect(try await ada.get("/v1/users/me").status == 200, "the ingress remembers the session now")
            let found = try await admin.get("/v1/users?search=\(email.prefix(20))")["items"]?.list ?? []
            let id = try #require(found.first?["id"]?.text)
            #expect(found.count == 1 && found.first?["email"] == .string(email))
            #expect(try await ada.get("/v1/users").status == 403)
            #expect(try await ada.get("/v1/users/\(id)").status == 403)
            #expect(try await admin.send("PATCH", "/v1/users/\(id)", #"{"disabled": true}"#)["disabled"] == .boolean(true))
            try await eventually("The end of the session", within: .seconds(1)) { try await ada.get("/v1/users/me").status == 401 }
            #expect(try await ada.signIn(email).status == 401)
            #expect(try await admin.send("PATCH", "/v1/users/\(id)", #"{"disabled": false, "role": "admin"}"#).status == 200)
            #expect(try await admin.get("/v1/users/\(id)")["role"] == "admin")
        }
    }
}
