import FoundationEssentials

/// RFC 3339 in UTC with milliseconds: `2026-03-01T12:30:05.250Z`, truncated to the millisecond, as `Date.ISO8601FormatStyle` writes it.
extension Date {
    private static let style = ISO8601FormatStyle(includingFractionalSeconds: true)
    private static let styleWithoutFraction = ISO8601FormatStyle()

    /// Seconds from 1970-01-01 to Foundation's reference, 2001-01-01.
    private static let secondsBetweenEpochs = 978_307_200
    private static let secondsPerDay = 86_400
    /// From 1970 up to the year 10000, in seconds since 1970: the range that is written and read here without calendars.
    private static let plainSeconds = 0..<253_402_300_800
    private static let form = Array("0000-00-00T00:00:00.000Z".utf8)

    var timestamp: String {
        // First rounded to the microsecond: a time read from milliseconds may lie a hair below them, and would lose one each time that it is written.
        let microseconds = (timeIntervalSinceReferenceDate * 1_000_000).rounded()
        guard let reference = Int(exactly: microseconds), reference >= -Self.secondsBetweenEpochs * 1_000_000 else { return formatted(Self.style) }
        let (seconds, fraction) = (reference + Self.secondsBetweenEpochs * 1_000_000).quotientAndRemainder(dividingBy: 1_000_000)
        guard Self.plainSeconds.contains(seconds) else { return formatted(Self.style) }
        let milliseconds = fraction / 1_000
        let (day, second) = seconds.quotientAndRemainder(dividingBy: Self.secondsPerDay)
        let date = Self.civil(day)
        var text = Self.form
        func write(_ number: Int, endingAt end: Int, digits: Int) {
            var rest = number
            for place in 0..<digits {
                text[end - place] += UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
        }
        write(date.year, endingAt: 3, digits: 4)
        write(date.month, endingAt: 6, digits: 2)
        write(date.day, endingAt: 9, digits: 2)
        write(second / 3_600, endingAt: 12, digits: 2)
        write(second / 60 % 60, endingAt: 15, digits: 2)
        write(second % 60, endingAt: 18, digits: 2)
        write(milliseconds, endingAt: 22, digits: 3)
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads RFC 3339 with or without a fraction, in any zone.
    init?(timestamp text: String) {
        let bytes = Array(text.utf8)
        if let date = Date(plain: bytes, 0, bytes.count) ?? (try? Date(text, strategy: Self.style))
            ?? (try? Date(text, strategy: Self.styleWithoutFraction))
        {
            self = date
        } else {
            return nil
        }
    }

    /// Reads what `timestamp` writes, between these places; nil for any other form, which may be valid too.
    init?(plain text: [UInt8], _ start: Int, _ end: Int) {
        guard end - start == Self.form.count, text.count >= end else { return nil }
        for (index, pattern) in Self.form.enumerated() {
            let character = text[start + index]
            let isDigit = character >= UInt8(ascii: "0") && character <= UInt8(ascii: "9")
            guard pattern == UInt8(ascii: "0") ? isDigit : character == pattern else { return nil }
        }
        func number(_ first: Int, digits: Int) -> Int {
            var number = 0
            for index in 0..<digits { number = number * 10 + Int(text[start + first + index] - UInt8(ascii: "0")) }
            return number
        }
        let (year, month, day) = (number(0, digits: 4), number(5, digits: 2), number(8, digits: 2))
        let (hour, minute, second) = (number(11, digits: 2), number(14, digits: 2), number(17, digits: 2))
        guard year >= 1970, (1...12).contains(month), day >= 1, hour < 24, minute < 60, second < 60 else { return nil }
        let days = Self.days(year, month, day)
        guard Self.civil(days) == (year, month, day) else { return nil }
        let seconds = days * Self.secondsPerDay + hour * 3_600 + minute * 60 + second - Self.secondsBetweenEpochs
        self.init(timeIntervalSinceReferenceDate: Double(seconds) + Double(number(20, digits: 3)) / 1_000)
    }

    // Days since 1970 to the Gregorian calendar and back. Years begin in March, so that the day of a leap year comes last; 719_468 days lie
    // between the first of March of the year 0 and 1970, 146_097 in the 400 years after which the calendar repeats itself.

    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let (era, dayOfEra) = (days + 719_468).quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let march = (5 * dayOfYear + 2) / 153
        let month = march < 10 ? march + 3 : march - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * march + 2) / 5 + 1)
    }

    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let (era, yearOfEra) = (month <= 2 ? year - 1 : year).quotientAndRemainder(dividingBy: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
