import FoundationEssentials
import NIOCore
import _NIOFileSystem

/// Reads a journal line by line, without having all of it in memory.
enum JournalReader {
    static let chunkBytes: Int64 = 1 << 20

    /// Returns where the last whole line ends, in bytes from the start of the file.
    static func readEntries<Entry: Decodable>(at path: FilePath, _ restore: (Entry) -> Void) async throws -> Int64 {
        try await FileSystem.shared.withFileHandle(forReadingAt: path) { file in
            let decoder = JSONDecoder()
            var rest: [UInt8] = []
            var end: Int64 = 0
            var lineNumber = 0
            for try await chunk in file.readChunks(chunkLength: .bytes(chunkBytes)) {
                rest.append(contentsOf: chunk.readableBytesView)
                var start = 0
                while let newline = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                    lineNumber += 1
                    restore(try entry(rest[start..<newline], lineNumber, decoder, path))
                    start = newline + 1
                }
                rest.removeFirst(start)
                end += Int64(start)
            }
            return end
        }
    }

    private static func entry<Entry: Decodable>(
        _ line: ArraySlice<UInt8>, _ number: Int, _ decoder: JSONDecoder, _ path: FilePath
    ) throws(SandboxError) -> Entry {
        do {
            return try decoder.decode(Entry.self, from: Data(line))
        } catch {
            throw SandboxError(code: .journalUnreadable, message: "Line \(number) of the ledger file \(path) is not an entry: \(error)")
        }
    }
}
