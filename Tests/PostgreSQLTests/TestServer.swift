import Foundation
import Logging
import TestKit

@testable import PostgreSQL

/// A private PostgreSQL for this test process. It ends with the process, however that ends: its supervisor waits for the end of its standard input.
enum TestServer {
    struct StartFailure: Error {
        let log: String
    }

    static func url() async throws -> String {
        try await started.value.url
    }

    /// The supervisor's end of the pipe is held as long as the process lives.
    private struct Started: Sendable {
        let url: String
        let supervisor: Process
        let input: Pipe
    }

    private static let started = Task { try await blocking { try start() } }

    private static let script = """
        folder=$(mktemp -d /tmp/postgres-test.XXXXXX) || exit 1
        bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
        as_owner() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi; }
        [ "$(id -u)" != 0 ] || chown postgres: "$folder"
        cd "$folder"
        as_owner "$bin/initdb" --no-sync --auth=trust --username=postgres --encoding=UTF8 --locale=C -D "$folder/data" >initdb.log 2>&1
        settings="-k $folder -c listen_addresses= -c fsync=off -c max_connections=150"
        as_owner "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/log" -o "$settings" start >/dev/null &&
        echo "$folder" || tail -n 5 initdb.log "$folder/log"
        read -r _
        as_owner "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null
        rm -rf "$folder"
        """

    private static func start() throws -> Started {
        let supervisor = Process()
        let input = Pipe()
        let output = Pipe()
        supervisor.executableURL = URL(fileURLWithPath: "/bin/sh")
        supervisor.arguments = ["-c", script]
        supervisor.standardInput = input
        supervisor.standardOutput = output
        try supervisor.run()
        let answer = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard answer.hasPrefix("/tmp/") else { throw StartFailure(log: answer) }
        let folder = answer.trimmingCharacters(in: .newlines)
        return Started(url: "postgresql:///postgres?user=postgres&host=\(folder)", supervisor: supervisor, input: input)
    }
}

let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

/// A pool whose unqualified names lead to a schema of its own.
func makePool(
    size: Int = 4, maximumWaiters: Int = 1000, acquisitionTimeout: Duration = .seconds(120), responseTimeout: Duration = .seconds(60),
    statementTimeout: Duration? = nil, statementCacheSize: Int = 256
) async throws -> PostgresPool {
    let schema = "test \(UUID().uuidString)"
    let pool = try PostgresPool(
        url: await TestServer.url(), size: size, maximumWaiters: maximumWaiters, acquisitionTimeout: acquisitionTimeout, schema: schema,
        statementTimeout: statementTimeout, responseTimeout: responseTimeout, statementCacheSize: statementCacheSize, logger: quiet)
    _ = try await pool.withConnection { try await $0.execute("CREATE SCHEMA \(identifier: schema)") }
    return pool
}

extension Database {
    nonisolated(nonsending) func query(_ sql: SQL) async throws -> Rows {
        try await withConnection { try await $0.query(sql) }
    }

    nonisolated(nonsending) func value<Value: PostgresDecodable>(_ sql: SQL, as: Value.Type = Value.self) async throws -> Value {
        let rows = try await query(sql)
        guard let row = rows.first else { throw PostgresError(.decoding, "no row") }
        return try row.decode(0)
    }
}

/// Runs `body` and returns the error that it throws, if it is this module's.
func postgresError<Result>(_ body: () async throws -> Result) async -> PostgresError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? PostgresError
    }
}

struct NotInTime: Error {}

/// Checks the condition until it holds, for at most a minute.
func eventually(_ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try await !condition() {
        guard .now < deadline else { throw NotInTime() }
        await Task.yield()
    }
}

/// Holds a task until it is opened.
struct Gate: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    func open() {
        continuation.finish()
    }

    func wait() async {
        for await _ in stream {}
    }
}
