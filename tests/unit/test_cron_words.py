"""Rhythms are read out as people would say them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from bot.news.cron_words import in_words
from executor.timers import Cron


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 2 * * *", "every day at 02:00"),
        ("0 2 * * mon-fri", "on weekdays at 02:00"),
        ("30 9,17 * * sat,sun", "at weekends at 09:30 and 17:30"),
        ("0 9 * * mon,wed,sun", "on Mondays, Wednesdays and Sundays at 09:00"),
        ("*/30 * * * *", "every 30 minutes"),
        ("0,30 * * * *", "every 30 minutes"),
        ("* * * * *", "every minute"),
        ("*/15 9-17 * * 1-5", "every 15 minutes from 09:00 to 17:59 on weekdays"),
        ("5 * * * *", "every hour at :05"),
        ("5,20 * * * *", "every hour at :05 and :20"),
        ("0 */2 * * *", "every 2 hours at :00"),
        ("0 0,12 * * *", "every day at 00:00 and 12:00"),
        ("0 8 1,15 * *", "on the 1st and 15th at 08:00"),
        ("0 8 2,3,11,22 jan,jul *", "on the 2nd, 3rd, 11th and 22nd in January and July at 08:00"),
        ("0 8 1 * mon", "on the 1st and on Mondays at 08:00"),
        ("0 8 */10 * mon", "on Mondays if on the 1st, 11th, 21st and 31st at 08:00"),
        ("0 0 1 1 *", "on the 1st in January at 00:00"),
        ("7,9 1-7 * * *", "every day at :07 and :09 in the hours 1, 2, 3, 4, 5, 6 and 7"),
        ("0,30 1,5 * * *", "every day at 01:00, 01:30, 05:00 and 05:30"),
    ],
)
def test_a_rhythm_is_said_in_words(expression: str, words: str) -> None:
    assert in_words(Cron(expression, ZoneInfo("UTC"))) == words
