import Foundation
import PostgreSQL
import Secrets
import TestKit
import Testing

@testable import Assembly
@testable import Bench
@testable import JSON
@testable import LocalState
@testable import Messaging
@testable import Up

extension System {
    /// Known values are sent through the whole system, and then searched for in everything that is stored.
    @Suite struct `Secrets` {
        @Test func `no secret is in a log, in a database or in a dead letter`() async throws {
            let admin = try Visitor.admin()
            let wharf = admin.wharf
            var secrets = try wharf.ownSecrets
            secrets["the administrator's session"] = wharf.adminToken
            try await Self.visit(admin, &secrets)

            for (name, text) in try wharf.logs() {
                for (secret, value) in secrets { #expect(!text.contains(value), "\(secret) is in \(name)") }
                #expect(!text.contains(Self.card), "a payment method is in \(name)")
            }
            for service in ServiceName.allCases.map(\.rawValue) {
                for (table, text) in try await Self.tables(of: service) {
                    for (secret, value) in secrets {
                        #expect(!text.contains(value), "\(secret) is in \(table)")
                        #expect(!text.contains(Hex.encode(Array(value.utf8))), "\(secret) is in \(table), as bytes")
                    }
                }
            }
        }

        @Test func `no password is in the broker's files`() async throws {
            let wharf = try RunningWharf.get()
            let (password, wrong) = ("pass-\(UUID().uuidString)", "wrong-\(UUID().uuidString)")
            var guest = try Visitor.guest()
            let email = "\(UUID().uuidString.lowercased())@example.com"
            #expect(try await guest.post("/v1/users", #"{"email": "\#(email)", "password": "\#(password)", "name": "Ada"}"#).status == 201)
            #expect(try await guest.signIn(email, password: wrong).status == 401)
            let token = try #require(try await guest.signIn(email, password: password)["token"]?.text)
            guest.token = token
            #expect(try await guest.get("/v1/users/me").status == 200)
            // The address of a command's sender is there, which shows that this looks in the right place.
            let cart = try await guest.post("/v1/carts", "{}")
            #expect(cart.status == 201)
            let written = try wharf.writtenByBroker()
            #expect(written.contains { $0.holds("carts.carts.create") })
            for secret in [password, wrong, token] { #expect(!written.contains { $0.holds(secret) }) }
        }

        @Test func `passwords and sessions are in the database as hashes`() async throws {
            let (customer, email) = try await Visitor.customer()
            let token = try #require(customer.token)
            try await SystemDatabase.with("users") { connection in
                let hash = SHA256.hash(token)
                #expect(try await connection.query("SELECT 1 FROM sessions WHERE token_hash = \(hash)").count == 1)
                let stored = try #require(
                    try await connection.query("SELECT password_hash FROM accounts WHERE email = \(email)").first?
                        .decode("password_hash", as: String.self))
                #expect(stored.contains("scrypt"))
            }
        }

        @Test func `no row of the inbox shows whether a guess at a password is right`() async throws {
            let body = #"{"email": "\#(UUID().uuidString)@example.com", "password": "a long password", "name": "Ada"}"#
            #expect(try await Visitor.guest().post("/v1/users", body).status == 201)
            try await SystemDatabase.with("users") { connection in
                let rows = try await connection.query("SELECT message_id, fingerprint FROM inbox")
                #expect(!rows.isEmpty)
                for row in rows {
                    // What a reader of the row, who guesses everything else right, can compute.
                    let guess = Messaging.Request(id: try row.decode("message_id"), operation: "users.accounts.create", body: Array(body.utf8))
                    #expect(try row.decode("fingerprint", as: [UInt8].self) != guess.fingerprint(of: .body))
                }
            }
        }

        /// Stripe knows it by this name; `wharf` needs it until the charge is made.
        private static let card = "pm_card_visa"

        /// Signs up, signs in well and badly, orders, and sends malformed credentials and forged webhooks.
        private static func visit(_ admin: Visitor, _ secrets: inout [String: String]) async throws {
            let mark = UUID().uuidString.lowercased()
            let (password, wrong, dead, bearer) = ("pass-\(mark)", "wrong-\(mark)", "dead-\(mark)", "bearer-\(mark)")
            secrets.merge(["a password": password, "a wrong password": wrong, "a password in a dead letter": dead, "a forged token": bearer]) { $1 }
            var guest = try Visitor.guest()
            let email = "\(mark)@example.com"
            let account = try await guest.post("/v1/users", #"{"email": "\#(email)", "password": "\#(password)", "name": "Ada"}"#)
            #expect(account.status == 201)
            #expect(try await guest.signIn(email, password: wrong).status == 401)
            let token = try #require(try await guest.signIn(email, password: password)["token"]?.text)
            secrets["a session"] = token
            #expect(try await guest.post("/v1/users", #"{"email": "\#(email)", "password": "\#(password)", "nam": 1}"#).status == 422)
            #expect(try await guest.get("/v1/products", ["authorization": "Bearer \(bearer)"]).status == 401)
            _ = try await guest.post("/v1/webhooks/stripe", "{}", ["stripe-signature": "t=1,v1=00"])
            try await ForeignMessage(
                type: "users.sessions.create", body: Array(#"{"email": "\#(email)", "password": "\#(dead)""#.utf8)
            ).put(into: "users.credentials", of: admin.wharf)
            #expect(try await guest.post("/v1/password-resets", #"{"email": "\#(email)"}"#).status == 202)
            secrets["a code to verify an address"] = try await guest.code(mailedTo: email, subject: "Please confirm your e-mail address")
            let code = try await guest.code(mailedTo: email, subject: "Set a new password")
            secrets["a code to set a password"] = code
            let new = "new-\(mark)"
            secrets["a new password"] = new
            #expect(try await guest.post("/v1/password-resets/\(code)", #"{"password": "\#(new)", "x": 1}"#).status == 422)
            try await ForeignMessage(
                type: "users.passwordResets.confirm", body: Array(#"{"password": "\#(dead)""#.utf8)
            ).put(into: "users.credentials", of: admin.wharf)
            guest.token = token
            let order = try await guest.checkout(try await guest.newCart(try await admin.newProduct()), paying: card)
            #expect(order["order", "state"] == "confirmed")
            let declined = try await guest.checkout(try await guest.newCart(try await admin.newProduct()), paying: "pm_card_chargeDeclined")
            #expect(declined["order", "state"] == "rejected")
            try await eventually("The dead letter of the credentials") {
                try await !admin.letters(of: "users.credentials").isEmpty
            }
        }

        /// Everything that a service has stored, by table.
        private static func tables(of service: String) async throws -> [(table: String, text: String)] {
            try await SystemDatabase.with(service) { connection in
                let names = try await connection.query("SELECT table_name::text FROM information_schema.tables WHERE table_schema = \(service)")
                var tables: [(String, String)] = []
                for name in try names.map({ try $0.decode("table_name", as: String.self) }) {
                    let rows = try await connection.query("SELECT stored::text AS row FROM \(raw: "\(service).\"\(name)\"") AS stored")
                    tables.append(("\(service).\(name)", try rows.map { try $0.decode("row", as: String.self) }.joined(separator: "\n")))
                }
                return tables
            }
        }
    }
}

extension RunningWharf {
    /// The secrets that `wharf-dev up` has generated for this run.
    fileprivate var ownSecrets: [String: String] {
        get throws {
            let secrets = try secrets
            var values = [
                "the administrator's password": secrets.adminPassword, "Stripe's key": secrets.stripeAPIKey,
                "the webhooks' secret": secrets.stripeWebhookSecret,
            ]
            for (name, value) in secrets.database { values["the database password of \(name)"] = value }
            for (name, value) in secrets.broker { values["the broker password of \(name)"] = value }
            return values
        }
    }

    /// The contents of all files of the broker.
    fileprivate func writtenByBroker() throws -> [Data] {
        let files = try #require(FileManager.default.enumerator(atPath: folder.rabbitMQ))
        // Files come and go: the broker runs.
        return files.compactMap { $0 as? String }.compactMap { try? Data(contentsOf: URL(filePath: "\(folder.rabbitMQ)/\($0)")) }
    }

    /// What was logged by `wharf-dev up`, by every process that it runs, and by the servers.
    func logs() throws -> [(name: String, text: String)] {
        let files = FileManager.default
        var paths = try files.contentsOfDirectory(atPath: folder.logs).map { "\(folder.logs)/\($0)" }
        paths += ["\(folder.rabbitMQ)/log", "\(folder.redis)/log", "\(try folder.postgres())/log"]
        paths.append(URL(filePath: folder.path).deletingLastPathComponent().appending(path: "log").path)
        let logs = paths.compactMap { path in
            (try? Data(contentsOf: URL(filePath: path))).map { data in
                // The one line in which `wharf-dev up` prints how to sign in.
                let lines = String(decoding: data, as: UTF8.self).split(separator: "\n").filter { !$0.contains("Administrator") }
                return (path, lines.joined(separator: "\n"))
            }
        }
        #expect(logs.count > 10)
        return logs
    }
}

extension Data {
    fileprivate func holds(_ text: String) -> Bool { range(of: Data(text.utf8)) != nil }
}
