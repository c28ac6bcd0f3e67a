import FoundationEssentials
import Glibc
import JSON
import Operator

/// The user's editor.
enum TextEditor {
    /// JSON is indented for the editor, and compact again afterwards, as services send it.
    /// - Throws: ``DeadLettersFailure`` if the editor fails, or if a JSON body is no longer JSON.
    static func edited(_ text: String) async throws -> String {
        let isJSON = (try? JSON.decode(JSONValue.self, from: Array(text.utf8))) != nil
        let shown = isJSON ? PrettyJSON.lines(of: text).joined(separator: "\n") + "\n" : text
        let result = try await blocking { try edit(shown, suffix: isJSON ? ".json" : ".txt") }
        guard isJSON else { return result }
        guard let value = try? JSON.decode(JSONValue.self, from: Array(result.utf8)) else { throw DeadLettersFailure("The edited body is not JSON. Nothing was changed.") }
        return String(decoding: try JSON.encode(value), as: UTF8.self)
    }

    private static func edit(_ text: String, suffix: String) throws -> String {
        let path = "\(FileManager.default.temporaryDirectory.path)/wharf-letter-\(UUID().uuidString)\(suffix)"
        // Only the owner may read the file: it may contain a customer's data.
        guard FileManager.default.createFile(atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]) else {
            throw DeadLettersFailure("\(path) cannot be written.")
        }
        defer { try? FileManager.default.removeItem(atPath: path) }
        guard try run(["/bin/sh", "-c", #"exec ${VISUAL:-${EDITOR:-vi}} "$1""#, "sh", path]) == 0 else { throw DeadLettersFailure("The editor failed. Nothing was changed.") }
        guard let bytes = FileManager.default.contents(atPath: path) else { throw DeadLettersFailure("The edited file is gone. Nothing was changed.") }
        guard let edited = String(validating: bytes, as: UTF8.self) else { throw DeadLettersFailure("The edited body is not UTF-8. Nothing was changed.") }
        return edited
    }

    /// Runs a program on this terminal, and returns its wait status.
    private static func run(_ arguments: [String]) throws -> Int32 {
        var pointers = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        var child = pid_t()
        guard let program = arguments.first, unsafe posix_spawn(&child, program, nil, nil, &pointers, environ) == 0 else { throw DeadLettersFailure("The editor cannot be started.") }
        var status: Int32 = 0
        while unsafe waitpid(child, &status, 0) < 0 { guard errno == EINTR else { return -1 } }
        return status
    }
}
