import Redis
import TestKit
import Testing

extension Wire {
    @Suite struct GreetingTests {
        @Test func `a wrong password is reported clearly and is not transient`() async throws {
            let server = try await RedisServer(password: "right")
            let client = try RedisClient(url: "redis://:wrong@127.0.0.1:\(server.port)", logger: testLogger)
            for _ in 0..<3 {
                let error = await failure(client, ["PING"])
                #expect(error?.code == .authenticationFailed)
                #expect(error?.isTransient == false)
                #expect(error?.message.contains("WRONGPASS") == true)
                #expect(error?.message.contains("wrong@") == false)
            }
        }

        @Test func `a new connection sends the current password`() async throws {
            let server = try await RedisServer(password: "first")
            let url = Changing(server.url)
            let client = try RedisClient(url: url.current, renewing: { url.current }, logger: testLogger)
            let other = try server.client()
            _ = try await client.command(["PING"])
            url.become(server.url.replacing("first", with: "second"))
            _ = try await other.command(["CONFIG", "SET", "requirepass", "second"])
            // Ends the connections of everyone else.
            _ = try await other.command(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"])
            try await eventually { (try? await client.command(["PING"])) != nil }
        }

        @Test func `a missing password is reported clearly`() async throws {
            let server = try await RedisServer(password: "right")
            let client = try RedisClient(url: "redis://127.0.0.1:\(server.port)", logger: testLogger)
            let error = await failure(client, ["PING"])
            #expect(error?.code == .authenticationFailed)
            #expect(error?.message.contains("NOAUTH") == true)
        }

        @Test func `user, password and database of the URL are used, percent-encoding undone`() async throws {
            let server = try await RedisServer(password: "p@ss/word")
            let url = "redis://default:p%40ss%2Fword@127.0.0.1:\(server.port)"
            let third = try RedisClient(url: url + "/3", logger: testLogger)
            let first = try RedisClient(url: url, logger: testLogger)
            _ = try await third.command(["SET", "where", "third"])
            #expect(try await first.command(["GET", "where"]).isNull)
            #expect(try await third.command(["GET", "where"]).text == "third")
        }

        @Test func `a database that does not exist is reported`() async throws {
            let server = try await RedisServer()
            let client = try RedisClient(url: server.url + "/999", logger: testLogger)
            #expect(await failure(client, ["PING"])?.message.contains("DB index") == true)
        }
    }
}
