import Testing
import WebClient

extension Wire {
    @Suite struct LifetimeTests {
        private let peer: Peer
        private let client = WebClient(logger: testLogger)

        init() async throws {
            peer = try await Peer()
        }

        @Test func `cancelling the task ends the request and its connection at once`() async throws {
            let url = peer.http + "/hang"
            let task = Task { [client] in try await client.send(WebRequest(url: url, timeout: .seconds(50))) }
            #expect(try await client.send(WebRequest(url: peer.http + "/await/hanging", timeout: .seconds(30))).status == 200)
            task.cancel()
            let error = await #expect(throws: WebClientError.self) { try await task.value }
            #expect(error?.code == .cancelled)
            #expect(error?.requestMayHaveBeenSent == true)
            #expect(try await client.send(WebRequest(url: peer.http + "/await/gone", timeout: .seconds(30))).status == 200)
        }

        @Test func `a task that was cancelled before sends nothing`() async throws {
            let url = peer.http + "/ok"
            let error = await withTaskGroup(of: WebClientError?.self) { group in
                group.cancelAll()
                group.addTask { [client] in
                    await #expect(throws: WebClientError.self) { try await client.send(WebRequest(url: url)) }
                }
                return await group.next() ?? nil
            }
            #expect(error?.code == .cancelled)
            #expect(error?.requestMayHaveBeenSent == false)
            #expect(try await peer.report().hits["/ok"] == nil)
        }

        @Test func `a request past the limits of running and waiting ones is rejected at once`() async throws {
            let client = WebClient(maximumConcurrent: 1, maximumWaiting: 0, logger: testLogger)
            let url = peer.http + "/hang"
            let hanging = Task { try await client.send(WebRequest(url: url, timeout: .seconds(50))) }
            #expect(try await self.client.send(WebRequest(url: peer.http + "/await/hanging", timeout: .seconds(30))).status == 200)
            let error = await #expect(throws: WebClientError.self) { try await client.send(WebRequest(url: peer.http + "/ok")) }
            #expect(error?.code == .overloaded)
            #expect(error?.requestMayHaveBeenSent == false)
            #expect(error?.isTransient == true)
            hanging.cancel()
            _ = await hanging.result
        }

        @Test func `a caller that asks again after an answer finds its place free`() async throws {
            let client = WebClient(maximumConcurrent: 1, maximumWaiting: 0, logger: testLogger)
            for _ in 0..<200 { #expect(try await client.send(WebRequest(url: peer.http + "/ok")).status == 200) }
        }

        @Test func `the timeout counts while a request waits for its turn`() async throws {
            let client = WebClient(maximumConcurrent: 1, logger: testLogger)
            let url = peer.http + "/hang"
            let hanging = Task { try await client.send(WebRequest(url: url, timeout: .seconds(50))) }
            #expect(try await self.client.send(WebRequest(url: peer.http + "/await/hanging", timeout: .seconds(30))).status == 200)
            let error = await #expect(throws: WebClientError.self) {
                try await client.send(WebRequest(url: peer.http + "/ok", timeout: .milliseconds(100)))
            }
            #expect(error?.code == .timedOut)
            #expect(error?.requestMayHaveBeenSent == false)
            hanging.cancel()
            _ = await hanging.result
            #expect(try await client.send(WebRequest(url: peer.http + "/ok")).status == 200)
        }

        @Test func `shutting down fails running and later requests`() async throws {
            let client = WebClient(maximumConcurrent: 1, logger: testLogger)
            let url = peer.http + "/hang"
            let running = Task { try await client.send(WebRequest(url: url, timeout: .seconds(50))) }
            #expect(try await self.client.send(WebRequest(url: peer.http + "/await/hanging", timeout: .seconds(30))).status == 200)
            let waiting = Task { try await client.send(WebRequest(url: url, timeout: .seconds(50))) }
            client.shutdown()
            client.shutdown()
            for task in [running, waiting] {
                let error = await #expect(throws: WebClientError.self) { try await task.value }
                #expect(error?.code == .shutDown)
                #expect(error?.requestMayHaveBeenSent == (task == running))
            }
            let later = await #expect(throws: WebClientError.self) { try await client.send(WebRequest(url: peer.http + "/ok")) }
            #expect(later?.code == .shutDown)
        }

        @Test func `a thousand requests that are cancelled at random moments all end`() async throws {
            let url = peer.http + "/work/1"
            let client = WebClient(maximumPerHost: 16, logger: testLogger)
            await withTaskGroup(of: Void.self) { group in
                for index in 0..<1_000 {
                    group.addTask {
                        let task = Task { try await client.send(WebRequest(url: url)) }
                        if index % 2 == 0 {
                            await Task.yield()
                            task.cancel()
                        }
                        _ = await task.result
                    }
                }
            }
            #expect(try await client.send(WebRequest(url: url)).status == 200)
        }
    }
}
