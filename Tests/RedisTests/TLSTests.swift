import Foundation
import Redis
import TestKit
import Testing

extension Wire {
    @Suite struct TLSTests {
        private let identity: TLSIdentity
        private let server: RedisServer

        init() async throws {
            identity = try await TLSIdentity.shared.value
            server = try await RedisServer(password: "right", identity: identity)
        }

        private func client(_ url: String, maximumInFlight: Int = 2000) throws -> RedisClient {
            try RedisClient(url: url, maximumInFlight: maximumInFlight, commandTimeout: .seconds(10), connectTimeout: .seconds(10), logger: testLogger)
        }

        @Test func `commands and replies of any size go through TLS, many at once`() async throws {
            let client = try client("rediss://:right@localhost:\(server.port)/1?cacertfile=\(identity.certificate)")
            let large = String(repeating: "x", count: 3 << 20)
            #expect(try await client.command(["SET", "large", large]).text == "OK")
            #expect(try await client.command(["GET", "large"]).text == large)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<500 {
                    group.addTask { try await client.command(["ECHO", "\(number)"]).text == "\(number)" }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }

        @Test func `the connection comes back after the server was down`() async throws {
            let client = try client("rediss://:right@localhost:\(server.port)?cacertfile=\(identity.certificate)")
            #expect(try await client.command(["PING"]).text == "PONG")
            try await server.restart()
            #expect(try await eventually(client, ["PING"]).text == "PONG")
        }

        @Test func `an unknown authority and another host's certificate are refused, and the password is not sent`() async throws {
            for url in ["rediss://:right@localhost:\(server.port)", "rediss://:right@127.0.0.1:\(server.port)?cacertfile=\(identity.certificate)"] {
                let error = await failure(try client(url), ["PING"])
                #expect(error?.code == .unavailable)
                #expect(error?.message.contains("certificate") == true, "\(error?.message ?? "")")
            }
        }

        @Test func `a server without TLS, and a file without certificates, are reported`() async throws {
            let plain = try await RedisServer()
            // It takes the greeting for a command that is not complete.
            let silent = try RedisClient(
                url: "rediss://localhost:\(plain.port)?cacertfile=\(identity.certificate)", commandTimeout: .seconds(20), logger: testLogger)
            #expect(await failure(silent, ["PING"])?.code == .unavailable)
            let fileless = await failure(try client("rediss://localhost:\(server.port)?cacertfile=/nonexistent"), ["PING"])
            #expect(fileless?.message.contains("/nonexistent") == true)
        }
    }
}
