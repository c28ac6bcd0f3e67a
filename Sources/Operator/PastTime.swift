import FoundationEssentials
import JSON
import Runtime

/// A time as an operator writes it: an age such as `36h`, or RFC 3339.
package enum PastTime {
    private static let longestAge = 3_650 * 86_400

    /// The time in RFC 3339; nil for other text.
    package static func text(_ text: String, now: Date) -> String? {
        if let age = ShortDuration.seconds(text, atMost: longestAge) { return now.addingTimeInterval(-Double(age)).ISO8601Format() }
        return (try? JSON.decode(Date.self, from: JSON.encode(text))) == nil ? nil : text
    }
}
