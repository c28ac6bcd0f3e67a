import Redis
import Testing

extension Wire {
    @Suite struct CommandTests {
        private let server: RedisServer
        private let client: RedisClient

        init() async throws {
            server = try await RedisServer()
            client = try server.client()
        }

        @Test func `values are set, read, counted and expire`() async throws {
            #expect(try await client.command(["SET", "name", "wharf"]) == .status("OK"))
            #expect(try await client.command(["GET", "name"]).text == "wharf")
            #expect(try await client.command(["GET", "absent"]).isNull)
            #expect(try await client.command(["INCR", "count"]) == .integer(1))
            #expect(try await client.command(["INCRBY", "count", "41"]).number == 42)
            #expect(try await client.command(["GET", "count"]).number == 42)
            #expect(try await client.command(["PEXPIRE", "name", "1"]) == .integer(1))
            #expect(try await client.command(["SET", "short", "x", "PX", "100000"]).text == "OK")
            #expect(try #require(await client.command(["PTTL", "short"]).number) > 0)
        }

        @Test func `arguments of any characters and sizes arrive whole`() async throws {
            for value in ["", "a b\r\n$1\r\n*2\0", "Grüße 🛳", String(repeating: "x", count: 5 << 20)] {
                _ = try await client.command(["SET", "key 🔑", value])
                #expect(try await client.command(["GET", "key 🔑"]).text == value)
            }
        }

        @Test func `a script is evaluated and its nested reply is returned`() async throws {
            let script = "return {1, 'two', {3, false}, redis.error_reply('ERR inner'), redis.status_reply('FINE'), ARGV[1], KEYS[1]}"
            let reply = try await client.command(["EVAL", script, "1", "k", "v"])
            #expect(
                reply.elements == [
                    .integer(1), .string(Array("two".utf8)), .array([.integer(3), .null]), .error("ERR inner"), .status("FINE"),
                    .string(Array("v".utf8)), .string(Array("k".utf8)),
                ])
            #expect(try await client.command(["LRANGE", "nothing", "0", "-1"]).elements == [])
        }

        @Test func `a refused command is an error with Redis's own word, and affects no other`() async throws {
            _ = try await client.command(["LPUSH", "list", "x"])
            let wrongType = await failure(client, ["INCR", "list"])
            #expect(wrongType?.code == .rejected)
            #expect(wrongType?.message.hasPrefix("WRONGTYPE") == true)
            #expect(wrongType?.isTransient == false)
            #expect(await failure(client, ["EVALSHA", String(repeating: "0", count: 40), "0"])?.message.hasPrefix("NOSCRIPT") == true)
            #expect(await failure(client, ["NOSUCHCOMMAND"])?.code == .rejected)
            #expect(try await client.command(["PING"]) == .status("PONG"))
        }

        @Test func `a thousand commands at once each get their own reply`() async throws {
            let client = client
            let replies = try await withThrowingTaskGroup(of: (Int, String?, Int64?).self) { group in
                for index in 0..<1_000 {
                    group.addTask {
                        async let echo = client.command(["ECHO", String(index)])
                        async let count = client.command(["INCR", "counter"])
                        return try await (index, echo.text, count.number)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(replies.allSatisfy { index, echo, _ in echo == String(index) })
            #expect(Set(replies.compactMap { $0.2 }) == Set(1...1_000))
        }

        @Test func `commands of one task are carried out in their order`() async throws {
            for index in 0..<200 { _ = try await client.command(["RPUSH", "order", String(index)]) }
            let order = try await client.command(["LRANGE", "order", "0", "-1"]).elements
            #expect(order?.compactMap(\.number) == (0..<200).map(Int64.init))
        }

        @Test(arguments: [["SUBSCRIBE", "x"], ["multi"], ["BLPOP", "x", "0"], ["SELECT", "1"], [], [""]])
        func `commands that would change the shared connection are rejected`(arguments: [String]) async throws {
            #expect(await failure(client, arguments)?.code == .unsupported)
        }

        @Test func `a command past the bound is rejected`() async throws {
            let large = String(repeating: "x", count: RedisClient.maximumCommandBytes)
            #expect(await failure(client, ["SET", "k", large])?.code == .tooLarge)
        }
    }
}
