import FoundationEssentials
import Glibc
import NIOCore
import NIOPosix
import Synchronization
import TestKit
import Testing

@testable import LocalState
@testable import Up

extension System {
    @Suite struct `Memory` {
        private static let connections = 400
        /// Of a body of 1 MiB.
        private static let half = String(repeating: "x", count: 1 << 19)
        /// Its handlers and tasks, and one read from it.
        private static let bytesPerConnection = 128 << 10

        /// The most that an import accepts, unpacked.
        private static let fileBytes = 64 << 20
        private static let descriptionBytes = 9_000
        /// The memory that a file of any size may take in a process that it passes through: a few chunks, and the rows of two steps, as read and as products.
        private static let bytesPerImport = 24 << 20
        private static let importedWithin = Duration.seconds(240)
        private static let lookPause = Duration.milliseconds(20)

        @Test func `an import takes bounded memory in the ingress and in the worker, however large its file is`() async throws {
            // In a shop of its own, because other tests read the whole catalogue.
            try await RunningWharf.running([:]) {
                try await Self.importFile("application/x-ndjson", isPacked: false)
                try await Self.importFile("text/csv", isPacked: true)
            }
        }

        private static func importFile(_ type: String, isPacked: Bool) async throws {
            let wharf = try RunningWharf.get()
            let admin = try Visitor.admin()
            let path = "\(FileManager.default.temporaryDirectory.path)/\(UUID().uuidString)"
            let file = isPacked ? "\(path).gz" : path
            defer { try? FileManager.default.removeItem(atPath: file) }
            let rows = try writeProducts(to: path, type)
            if isPacked { _ = try await Program(name: "gzip", arguments: ["-1", path]).run(within: .seconds(60)) }
            let body = [UInt8](try Data(contentsOf: URL(filePath: file)))
            let processes = try wharf.record.processes.filter { ["ingress", "catalog"].contains($0.role) }
            let before = try Dictionary(uniqueKeysWithValues: processes.map { ($0.name, try #require(ProcessView(pid: $0.pid).memory).own) })
            let peak = Peak(before)
            let view = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while (try? await Task.sleep(for: lookPause)) != nil {
                        for process in processes {
                            let own = ProcessView(pid: process.pid).memory?.own ?? 0
                            peak.bytes.withLock { $0[process.name, default: 0] = max($0[process.name, default: 0], own) }
                        }
                    }
                }
                defer { group.cancelAll() }
                let headers = ["content-type": type].merging(isPacked ? ["content-encoding": "gzip"] : [:]) { $1 }
                let accepted = try await admin.send("POST", "/v1/imports?kind=products", bytes: body, headers)
                #expect(accepted.status == 202, "\(accepted)")
                let location = try #require(accepted.header("location"))
                var view = accepted
                try await eventually("The import has ended", within: importedWithin) {
                    view = try await admin.get(location)
                    return ["done", "failed"].contains(view["state"]?.text)
                }
                return view
            }
            #expect(view["accepted"]?.number == rows, "\(view)")
            let grown = peak.bytes.withLock { $0 }.merging(before) { $0 - $1 }
            #expect(grown.values.allSatisfy { $0 < bytesPerImport }, "\(grown)")
        }

        /// The peak of each process's own memory.
        private final class Peak: Sendable {
            let bytes: Mutex<[String: Int]>

            init(_ bytes: [String: Int]) { self.bytes = Mutex(bytes) }
        }

        /// - Returns: the number of products.
        private static func writeProducts(to path: String, _ type: String) throws -> Int {
            let (run, description) = (UUID().uuidString.prefix(8), String(repeating: "word ", count: descriptionBytes / 5))
            let isCSV = type == "text/csv"
            var file = Data((isCSV ? "sku,name,amount,currency,stock,description\n" : "").utf8)
            var count = 0
            while file.count < fileBytes - 2 * descriptionBytes {
                count += 1
                let row =
                    isCSV
                    ? "M-\(run)-\(count),Thing,100,EUR,1,\(description)\n"
                    : #"{"sku":"M-\#(run)-\#(count)","name":"Thing","price":{"amount":100,"currency":"EUR"},"stock":1,"description":"\#(description)"}"# + "\n"
                file.append(contentsOf: row.utf8)
            }
            try file.write(to: URL(filePath: path))
            return count
        }

        @Test func `connections with half-sent large bodies that were refused cost little for as long as they live`() async throws {
            let wharf = try RunningWharf.get()
            let ingress = try #require(try wharf.record.processes.first { $0.role == "ingress" }).pid
            let before = try Self.residentBytes(of: ingress)
            let refused = Count()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<Self.connections {
                    group.addTask { try await Self.sendHalf(to: wharf.url, counting: refused) }
                }
                try await eventually("All are refused", within: .seconds(60)) { refused.value.load(ordering: .relaxed) == Self.connections }
                #expect(try Self.residentBytes(of: ingress) - before < Self.connections * Self.bytesPerConnection)
                group.cancelAll()
            }
        }

        private final class Count: Sendable {
            let value = Atomic(0)
        }

        /// Counts its answer, and stays connected until it is cancelled. Its body is never read: the request has no Idempotency-Key.
        private static func sendHalf(to url: String, counting refused: Count) async throws {
            let port = try #require(url.split(separator: ":").last.flatMap { Int($0) })
            let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
            }
            try await channel.executeThenClose { inbound, outbound in
                let head = "POST /v1/checkouts HTTP/1.1\r\nHost: wharf\r\nContent-Type: application/json\r\nContent-Length: \(2 * half.utf8.count)\r\n\r\n"
                try await outbound.write(ByteBuffer(string: head + half))
                var isAnswered = false
                for try await answer in inbound where !isAnswered {
                    isAnswered = true
                    #expect(String(buffer: answer).hasPrefix("HTTP/1.1 400 "))
                    refused.value.add(1, ordering: .relaxed)
                }
            }
        }

        private static func residentBytes(of pid: Int32) throws -> Int {
            let pages = try String(contentsOf: URL(filePath: "/proc/\(pid)/statm"), encoding: .utf8).split(separator: " ")
            return try #require(pages.dropFirst().first.flatMap { Int($0) }) * Int(getpagesize())
        }
    }
}
