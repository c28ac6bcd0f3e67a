import Redis
import Testing

extension Wire {
    @Suite struct OutageTests {
        /// Far below the timeouts that are set here, far above the time of an immediate failure on a busy machine.
        private let atOnce: Duration = .seconds(5)

        @Test func `a crash fails all commands under way at once, and a restart is found`() async throws {
            let server = try await RedisServer()
            let client = try server.client(maximumInFlight: 100, commandTimeout: .seconds(30))
            _ = try await client.command(["SET", "before", "x"])
            server.freeze()
            await withTaskGroup(of: RedisError?.self) { group in
                for index in 0...100 {
                    group.addTask { await failure(client, ["INCR", "k\(index)"]) }
                }
                // The one for which there was no room shows that the others are under way.
                #expect(await group.next()??.code == .overloaded)
                let elapsed = await ContinuousClock().measure {
                    server.crash()
                    for await error in group {
                        #expect(error?.code == .connectionLost)
                        #expect(error?.isTransient == true)
                    }
                }
                #expect(elapsed < atOnce)
            }

            for _ in 0..<20 {
                let elapsed = await ContinuousClock().measure {
                    #expect(await failure(client, ["PING"])?.code == .unavailable)
                }
                #expect(elapsed < atOnce)
            }

            try await server.restart()
            #expect(try await eventually(client, ["GET", "before"]).isNull)
        }

        @Test func `a server that stops answering costs one timeout, and then nothing until it is back`() async throws {
            let server = try await RedisServer()
            let client = try server.client(commandTimeout: .seconds(2))
            _ = try await client.command(["PING"])
            server.freeze()
            let elapsed = await ContinuousClock().measure {
                #expect(await failure(client, ["PING"])?.code == .timedOut)
            }
            #expect((.milliseconds(1_990)...(.seconds(7))).contains(elapsed))
            let later = await ContinuousClock().measure {
                let error = await failure(client, ["PING"])
                #expect(error?.code == .unavailable)
                #expect(error?.isTransient == true)
            }
            #expect(later < .milliseconds(1_990))
            server.thaw()
            #expect(try await eventually(client, ["PING"]).text == "PONG")
        }

        @Test func `a late reply is given to no other command`() async throws {
            let server = try await RedisServer()
            let client = try server.client(commandTimeout: .seconds(1))
            _ = try await client.command(["PING"])
            server.freeze()
            #expect(await failure(client, ["ECHO", "late"])?.code == .timedOut)
            server.thaw()
            #expect(try await eventually(client, ["ECHO", "next"]).text == "next")
        }

        @Test func `commands past the limit are rejected at once`() async throws {
            let server = try await RedisServer()
            let client = try server.client(maximumInFlight: 5, commandTimeout: .seconds(30))
            _ = try await client.command(["PING"])
            server.freeze()
            let outcomes = await withTaskGroup(of: RedisError?.self) { group in
                for index in 0..<20 {
                    group.addTask {
                        do throws(RedisError) {
                            _ = try await client.command(["INCR", "k\(index)"])
                            return nil
                        } catch {
                            return error
                        }
                    }
                }
                var turnedAway: [RedisError?] = []
                while turnedAway.count < 15, let outcome = await group.next() { turnedAway.append(outcome) }
                server.thaw()
                return turnedAway + (await group.reduce(into: []) { $0.append($1) })
            }
            #expect(outcomes.filter { $0?.code == .overloaded && $0?.isTransient == true }.count == 15)
            #expect(outcomes.filter { $0 == nil }.count == 5)
            #expect(try await client.command(["PING"]).text == "PONG")
        }

        @Test func `where nothing listens the first command waits no longer than the attempt`() async throws {
            // Port 1 is reserved, and nothing listens there.
            let client = try RedisClient(url: "redis://localhost:1", logger: testLogger)
            let elapsed = await ContinuousClock().measure {
                let error = await failure(client, ["PING"])
                #expect(error?.code == .unavailable)
                #expect(error?.message.contains("localhost:1") == true)
            }
            #expect(elapsed < atOnce)
        }

        @Test func `a host that does not exist is reported by name`() async throws {
            let client = try RedisClient(url: "redis://nowhere.invalid", commandTimeout: .milliseconds(700), logger: testLogger)
            let elapsed = await ContinuousClock().measure {
                let error = await failure(client, ["PING"])
                #expect(error?.code == .unavailable || error?.code == .timedOut)
                #expect(error?.message.contains("nowhere.invalid") == true)
            }
            #expect(elapsed < atOnce)
        }

        @Test func `shutting down fails current and later commands`() async throws {
            let server = try await RedisServer()
            let client = try server.client(commandTimeout: .seconds(30))
            _ = try await client.command(["PING"])
            server.freeze()
            let underWay = Task { try await client.command(["PING"]) }
            await Task.yield()
            client.shutdown()
            client.shutdown()
            let error = await #expect(throws: RedisError.self) { try await underWay.value }
            #expect(error?.code == .shutDown)
            #expect(await failure(client, ["PING"])?.code == .shutDown)
        }
    }
}
